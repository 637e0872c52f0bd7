import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { FsRunStore } from "../../src/run/fs/fs-run-store.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { createRun } from "../helpers/run-factory.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const PROGRAM = join(import.meta.dirname, "..", "fixtures", "programs", "update-document.ts");

async function newRun(): Promise<{ store: FsRunStore; jobId: JobId }> {
  const store = new FsRunStore(join(tempDir(), ".runs"));
  await store.initialize();
  return { store, jobId: await createRun(store, '{"a": 1}', {}) };
}

function startWriter(store: FsRunStore, jobId: JobId, name: string, count: number): ChildProcess {
  return spawn(process.execPath, [PROGRAM, store.path, jobId, name, String(count)], { stdio: "inherit" });
}

describe("writers of one document", () => {
  it("lose nothing: 8 processes, 200 updates each", async () => {
    const { store, jobId } = await newRun();
    const writers = Array.from({ length: 8 }, (_, index) => startWriter(store, jobId, `w${index}`, 200));

    const codes = await Promise.all(writers.map(async (writer) => (await once(writer, "exit"))[0]));

    expect(codes).toEqual(Array.from({ length: 8 }, () => 0));
    const document = store.readExactDocument(jobId);
    expect(document.size).toBe(8 * 200 + 1);
    expect(document.get("wallclock_s")).toMatchObject({ text: "1600" });
    expect(readdirSync(store.workspaceOf(jobId)).toSorted()).toEqual([
      "signac_job_document.json",
      "signac_statepoint.json",
    ]);
  });

  it("that are killed leave a whole document, and block others for a few seconds only", async () => {
    const { store, jobId } = await newRun();
    for (let round = 0; round < 2; round += 1) {
      const writer = startWriter(store, jobId, `k${round}`, 100_000);
      const before = store.readExactDocument(jobId).size;
      await expect
        .poll(() => store.readExactDocument(jobId).size, { interval: 3, timeout: 240_000 })
        .toBeGreaterThan(before + round * 7);
      writer.kill("SIGKILL");
      await once(writer, "exit");
      store.readExactDocument(jobId);
    }
    const size = store.readExactDocument(jobId).size;

    const start = performance.now();
    await store.updateDocument(jobId, () => ({ after: true }));

    expect(performance.now() - start).toBeLessThan(8000);
    expect(store.readExactDocument(jobId).size).toBe(size + 1);
  });

  it("take over the lock of one that died, once", async () => {
    const { store, jobId } = await newRun();
    const lock = join(store.path, ".aexp", "locks", jobId);
    mkdirSync(join(lock, ".."), { recursive: true });
    writeFileSync(lock, "");
    writeFileSync(`${lock}.break`, "");
    utimesSync(lock, 1, 1);
    utimesSync(`${lock}.break`, 1, 1);
    const writers = Array.from({ length: 3 }, (_, index) => startWriter(store, jobId, `w${index}`, 20));

    await Promise.all(writers.map(async (writer) => await once(writer, "exit")));

    expect(store.readExactDocument(jobId).get("wallclock_s")).toMatchObject({ text: "60" });
  });

  it("may create the same runs at the same time", async () => {
    const path = join(tempDir(), ".runs");
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const store = new FsRunStore(path);
        return await Promise.all([1, 2, 3].map((seed) => createRun(store, `{"seed": ${seed}}`, { status: "created" })));
      }),
    );

    expect(new Set(outcomes.flat()).size).toBe(3);
    expect(readdirSync(join(path, "workspace"))).toHaveLength(3);
    expect([...new FsRunStore(path).readAll()].every((read) => read.kind === "run")).toBe(true);
  });
});
