import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";

import { hashBatches } from "../../src/output/fs/hash-batches.ts";
import { HashPool, NoThreadError } from "../../src/output/fs/hash-pool.ts";
import { TreeHasher } from "../../src/output/fs/hash-tree.ts";
import { TurnTaking } from "../../src/output/fs/turn-taking.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const THREAD = join(import.meta.dirname, "..", "..", "src", "hash-thread.ts");
const MIB = 1024 * 1024;

describe("threads that hash", () => {
  it("report each file in the order of the question, and what they read", async () => {
    const folder = largeFolder();
    await using pool = await HashPool.open(2);
    let read = 0;

    const outcomes = await pool.hash(folder, ["large", "nothing", "small", "."], (bytes) => (read += bytes));

    expect(outcomes.map(({ kind }) => kind)).toEqual(["hashed", "gone", "hashed", "gone"]);
    expect(read).toBe(64 * MIB + 1);
  });

  it("serve several trees at once", async () => {
    const folders = [largeFolder(), largeFolder(), largeFolder()];
    await using hasher = new TreeHasher(2);
    await using alone = new TreeHasher(0);

    const together = await Promise.all(folders.map(async (folder) => await hasher.hash(folder)));

    const { digest } = await alone.hash(folders[0] ?? "");
    expect(together.map((identity) => identity.digest)).toEqual([digest, digest, digest]);
  });

  it("end when there is nothing to do, and are started again when there is", async () => {
    const folder = largeFolder();
    const ends: number[] = [];
    let starts = 0;
    await using pool = new HashPool(() => {
      starts += 1;
      return new Worker(THREAD).on("exit", (code) => ends.push(code));
    }, 2);

    await Promise.all([1, 2, 3, 4].map(async () => await pool.hash(folder, ["small"], () => undefined)));
    expect(starts).toBe(2);
    await waitUntil("the end of both threads", () => ends.length === 2);
    const [outcome] = await pool.hash(folder, ["small"], () => undefined);

    expect(outcome).toMatchObject({ kind: "hashed", size: 1 });
    expect(starts).toBe(3);
  });

  it("are done without where the machine has no room for one", async () => {
    const folder = largeFolder();
    await using pool = new HashPool(() => {
      throw Object.assign(new Error("no room"), { code: "ERR_WORKER_INIT_FAILED" });
    }, 2);
    await expect(pool.hash(folder, ["small"], () => undefined)).rejects.toThrow(NoThreadError);
    const context = {
      turn: new TurnTaking(undefined),
      signal: undefined,
      onRead: () => undefined,
      openPool: () => Promise.resolve(pool),
    };

    const kinds: string[] = [];
    for await (const { outcomes } of hashBatches(folder, context)) kinds.push(...outcomes.map(({ kind }) => kind));

    expect(kinds).toEqual(["hashed", "hashed"]);
  });

  it("fail loudly when the file that they begin with is not there", async () => {
    await using pool = new HashPool(() => new Worker(join(tempDir(), "nothing.js")), 2);

    await expect(pool.hash("/", ["a"], () => undefined)).rejects.toThrow("Cannot find module");
  });
});

/** With enough in it for threads; what is not written takes no room on the disk. */
function largeFolder(): string {
  const folder = join(tempDir(), "folder");
  mkdirSync(folder);
  writeFileSync(join(folder, "large"), "");
  truncateSync(join(folder, "large"), 64 * MIB);
  writeFileSync(join(folder, "small"), "x");
  return folder;
}
