import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { installPacked } from "../helpers/packed.ts";

const MIB = 1024 * 1024;

/** More than is hashed without a thread. */
const PIPELINE = `
name: packed
defaults: {experiment: E001}
stages:
  make:
    command: head -c ${40 * MIB} /dev/zero > {outputs.zeros}
    outputs: {zeros: {path: zeros}}
  measure:
    command: wc -c < {inputs.zeros} | tr -d ' ' > {outputs.size}
    inputs: {zeros: {stage: make}}
    outputs: {size: {path: size}}
`;

/** The digest of a file of 40 MiB of zeros, as the program in docs/outputs.md computes it. */
const DIGEST = "sha256:662f22f0f49d7cfd823b437b174bd573e6e0f9970a4097c8f6d2d5382b36c663";

describe("the packed tarball", () => {
  it("executes a pipeline, hashes what is large in threads of its own, and takes it from the cache the next time", () => {
    const { root, installed, aexp } = installPacked();
    const started = join(installed, "dist", "thread-started");
    appendFileSync(
      join(installed, "dist", "hash-thread.js"),
      `\nprocess.getBuiltinModule("node:fs").writeFileSync(${JSON.stringify(started)}, "");\n`,
    );
    aexp("install", "--machine-label", "box");
    aexp("hypothesis", "new", "--title", "Zeros are many");
    aexp("experiment", "new", "--title", "Count them", "--hypothesis", "H001");
    writeFileSync(join(root, "pipeline.yaml"), PIPELINE);

    const first: unknown = JSON.parse(aexp("pipeline", "run", "pipeline.yaml", "--jobs", "1", "--json"));
    const isStarted = existsSync(started);
    const second: unknown = JSON.parse(aexp("pipeline", "run", "pipeline.yaml", "--jobs", "1", "--json"));

    expect(first).toMatchObject({ state: "complete" });
    expect(second).toMatchObject({ state: "complete", counts: { cached: 2 } });
    expect(isStarted).toBe(true);
    const ledger = join(root, ".aexp", "ledger");
    const entries = readdirSync(ledger).map((name) => readFileSync(join(ledger, name), "utf8"));
    expect(entries.filter((entry) => entry.includes(DIGEST))).toHaveLength(2);
    expect(aexp("validate", "--strict-runs", "error")).toContain("0 errors");
  });
});
