import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

import { runCli } from "../helpers/cli.ts";
import { initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const PROGRAM = join(import.meta.dirname, "..", "fixtures", "programs", "create-hypotheses.ts");

async function withThread(): Promise<string> {
  const root = initRepo(tempDir());
  await runCli(root, ["install"]);
  await runCli(root, ["thread", "new", "--title", "Question"]);
  return root;
}

function startWriter(root: string, name: string, count: number): ChildProcess {
  const writer = spawn(process.execPath, [PROGRAM, root, name, String(count)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void writer.kill("SIGKILL"));
  return writer;
}

const hypotheses = (root: string): string[] =>
  readdirSync(join(root, "kb/research/hypotheses")).filter((name) => name.endsWith(".md"));

/** The links of the thread, each once. */
function linkedIds(root: string): readonly string[] {
  const thread = readFileSync(join(root, "kb/research/threads/T001-question.md"), "utf8");
  return [...thread.matchAll(/^- \[\[(H\d+)\]\]$/gm)].map(([, id = ""]) => id).toSorted();
}

describe("notes that are written at the same time", () => {
  it("have ids of their own, and all back-links: 2 processes, 100 hypotheses each", async () => {
    const root = await withThread();
    const writers = ["a", "b"].map((name) => startWriter(root, name, 100));
    const codes = await Promise.all(writers.map(async (writer) => (await once(writer, "exit"))[0]));

    expect(codes).toEqual([0, 0]);
    const ids = hypotheses(root).map((name) => name.slice(0, 4));
    expect(new Set(ids).size).toBe(200);
    expect(linkedIds(root)).toEqual(ids.toSorted());
    expect((await runCli(root, ["validate", "--kb-only"])).stdout).toMatch(/^0 errors, 0 warnings/);
  });

  it("are there with their links or not at all, although their writer is killed at any point", async () => {
    const root = await withThread();
    for (let round = 0; round < 5; round += 1) {
      const before = hypotheses(root).length;
      const writer = startWriter(root, `round ${round}`, 1000);
      await expect
        .poll(() => hypotheses(root).length, { interval: 1, timeout: 240_000 })
        .toBeGreaterThan(before + (round % 3));
      writer.kill("SIGKILL");
      await once(writer, "exit");
    }
    // The next writer finishes what the last one left.
    expect(await runCli(root, ["hypothesis", "new", "--title", "last", "--thread", "T001"])).toMatchObject({
      exitCode: 0,
    });
    const ids = hypotheses(root).map((name) => name.slice(0, 4));
    expect(new Set(ids).size).toBe(ids.length);
    expect(linkedIds(root)).toEqual(ids.toSorted());
    expect(
      readdirSync(join(root, "kb/research"), { recursive: true }).filter((path) => /\.md./.test(String(path))),
    ).toEqual([]);
    expect(readdirSync(join(root, ".aexp")).toSorted()).toEqual(["installed.json", "note-ids.json"]);
    expect((await runCli(root, ["validate", "--kb-only"])).stdout).toMatch(/^0 errors, 0 warnings/);
  });
});
