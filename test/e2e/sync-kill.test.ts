import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { ledgerIds, makeClones, runProcess, writeEntry, writeFile } from "../helpers/clones.ts";
import { git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");

describe("kill -9", () => {
  it("at any point of sync: the next call finishes, and nothing is lost", { timeout: 400_000 }, async () => {
    const { clones } = await makeClones("a", "b");
    const [a = "", b = ""] = clones;
    const wanted = new Set<string>();
    const random = seeded(20261121);
    for (let point = 0; point < 15; point += 1) {
      wanted.add(writeEntry(b, point * 10 + 1));
      expect(await runProcess(b, ["sync"])).toMatchObject({ exitCode: 0 });
      wanted.add(writeEntry(a, point * 10 + 2));
      writeFile(a, "mine.py", `staged ${point}\n`);
      git(a, "add", "mine.py");

      await killed(a, ["sync"], 60 + random() * 400, point % 3 === 0);

      expect(await runProcess(a, ["sync"])).toMatchObject({ exitCode: 0 });
      expect(git(a, "status", "--porcelain")).toBe("A  mine.py");
      expect(git(a, "show", ":mine.py")).toBe(`staged ${point}`);
      expect(ledgerIds(a)).toEqual([...wanted].toSorted());
    }
    expect(await runProcess(b, ["sync"])).toMatchObject({ exitCode: 0 });
    expect(ledgerIds(b)).toEqual([...wanted].toSorted());
    git(a, "fsck", "--strict");
  });

  it("at any point of install: the next call finishes", { timeout: 400_000 }, async () => {
    const random = seeded(7);
    for (let point = 0; point < 15; point += 1) {
      const root = initRepo(join(tempDir(), "r"));
      await killed(root, ["install", "--git-hooks"], 40 + random() * 160, false);
      const second = await runProcess(root, ["install", "--git-hooks"]);
      expect(second).toMatchObject({ exitCode: 0, stderr: "" });
      expect((await runProcess(root, ["install", "--git-hooks"])).stdout).toContain("Nothing to do");
      expect(await runProcess(root, ["sync"])).toMatchObject({ exitCode: 0 });
      rmSync(root, { recursive: true });
    }
  });
});

/** Starts aexp and kills it after some time; with its whole group, git's processes die with it. */
function killed(cwd: string, args: readonly string[], afterMs: number, isGroup: boolean): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd, stdio: "ignore", detached: true });
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(isGroup ? -child.pid : child.pid, "SIGKILL");
    }, afterMs);
    child.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** The same numbers between 0 and 1 every time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
