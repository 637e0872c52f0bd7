import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";

import type { PolicyFire } from "../../src/queue/policy.ts";
import type { Task } from "../../src/queue/task.ts";
import { runCli } from "./cli.ts";
import { makePipelineProject, type PipelineProject } from "./pipeline-project.ts";
import { tempDir } from "./temp-dir.ts";

/** Writes one model, and says so. */
export const ONE_MODEL = `
name: demo
defaults: {experiment: E001}
stages:
  train:
    command: ./note train {lr}; echo {lr} > {outputs.model}
    sp: {lr: 1}
    outputs: {model: {path: model.txt, kind: model}}
`;

/** A project whose user trusts nothing yet. */
export async function makeOwnProject(pipeline: string): Promise<PipelineProject> {
  vi.stubEnv("XDG_STATE_HOME", tempDir());
  onTestFinished(() => void vi.unstubAllEnvs());
  return await makePipelineProject(pipeline);
}

/** A project with policies that the user trusts. */
export async function makePolicyProject(pipeline: string, policies: string): Promise<PipelineProject> {
  const project = await makeOwnProject(pipeline);
  project.write("aexp.yaml", `policies:\n${policies}`);
  await trust(project);
  return project;
}

export async function trust({ root }: PipelineProject): Promise<void> {
  const { exitCode, stdout, stderr } = await runCli(root, ["trust", "--yes"]);
  if (exitCode !== 0) throw new Error(stdout + stderr);
}

/** The runs that a policy has submitted. */
export async function runsOf({ ports }: PipelineProject, policy: string): Promise<readonly Task[]> {
  return (await ports.store.tasks({})).filter(({ spec }) => spec.stage?.stage === policy);
}

/** What a policy has been fired for. */
export async function firesOf({ ports, repo }: PipelineProject, policy: string): Promise<readonly PolicyFire[]> {
  return await ports.store.policyFires(policy, repo.machineLabel);
}

/** A `git` that waits before it writes a ref, while it is held. */
export interface HeldGit {
  /** The PATH on which it is found. */
  readonly path: string;
  readonly isReached: () => boolean;
  readonly release: () => void;
}

export function holdGit(): HeldGit {
  const folder = tempDir();
  const hold = join(folder, "hold");
  const reached = join(folder, "reached");
  const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  mkdirSync(join(folder, "bin"));
  writeFileSync(hold, "");
  const wait = `touch ${reached}; while test -e ${hold}; do sleep 0.02; done`;
  const program = join(folder, "bin", "git");
  writeFileSync(program, `#!/bin/sh\ncase "$*" in *update-ref*) ${wait};; esac\nexec ${real} "$@"\n`);
  chmodSync(program, 0o755);
  const release = (): void => rmSync(hold, { force: true });
  onTestFinished(release);
  return { path: `${join(folder, "bin")}:${process.env["PATH"] ?? ""}`, isReached: () => existsSync(reached), release };
}
