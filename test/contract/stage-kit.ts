import { hash } from "node:crypto";

import { toDigest } from "../../src/output/digest.ts";
import type { Claim } from "../../src/queue/queue-store.ts";
import type { NewOutput, RunOutput } from "../../src/queue/run-output.ts";
import type { Resolution, Resolved } from "../../src/queue/stage.ts";
import type { Task } from "../../src/queue/task.ts";
import { idOf, type QueueKit, type TaskOptions } from "./queue-kit.ts";

export const MACHINE = "laptop";

/** A stage as a test describes it. */
export function stage(options: TaskOptions = {}): TaskOptions {
  return { stage: { pipeline: "demo", stage: "train", sweep: { seed: 1 } }, ...options };
}

/** A resolution under a key of the cache. */
export function keyed(cacheKey: string, change: Partial<Exclude<Resolution, { problem: unknown }>> = {}): Resolution {
  return { cacheKey, inputs: { data: cacheKey }, mode: "on", ...change };
}

/** An output whose bytes are named by `content`. */
export function output(content: string, change: Partial<NewOutput> = {}): NewOutput {
  return {
    name: "model",
    item: "",
    kind: "file",
    digest: toDigest("sha256", hash("sha256", content)),
    bytes: content.length,
    files: 1,
    path: "outputs/1/model",
    stats: toDigest("stat", hash("sha256", `${content} 1`)),
    ...change,
  };
}

export async function resolve(kit: QueueKit, name: string, resolution: Resolution): Promise<Resolved | undefined> {
  return await kit.store.resolve(idOf(name), resolution);
}

/** Resolves a stage that has to be executed, and claims it. */
export async function claimStage(kit: QueueKit, name: string, resolution: Resolution): Promise<Claim> {
  await resolve(kit, name, resolution);
  return await kit.claim({ ids: [idOf(name)] });
}

/** Executes a stage, which writes one output. */
export async function execute(kit: QueueKit, name: string, key: string): Promise<void> {
  await kit.succeed(await claimStage(kit, name, keyed(key)), [output(key)]);
}

export async function taskOf(kit: QueueKit, name: string): Promise<Task | undefined> {
  return await kit.store.task(idOf(name));
}

export async function outputsOf(kit: QueueKit, ...names: readonly string[]): Promise<readonly RunOutput[]> {
  return await kit.store.outputs(names.map((name) => idOf(name)));
}

/** The names of the stages that wait to be resolved. */
export async function unresolved(kit: QueueKit, machine = MACHINE): Promise<readonly (string | undefined)[]> {
  return (await kit.store.unresolved(machine, 100)).map((task) => task.spec.name);
}
