import { describe, expect, it } from "vitest";

import { ledgerIds, makeClones, readEntry, runProcess, writeEntry, writeFile } from "../helpers/clones.ts";
import { git } from "../helpers/git-repo.ts";

describe("many machines", () => {
  it("loses nothing when five clones sync at the same moment, ten times", { timeout: 400_000 }, async () => {
    const { clones } = await makeClones("a", "b", "c", "d", "e");
    const wanted = new Set<string>();
    for (let round = 0; round < 10; round += 1) {
      for (const [index, clone] of clones.entries()) {
        wanted.add(writeEntry(clone, round * 10 + index));
        // One run that every machine has finished, each in its own way.
        wanted.add(
          writeEntry(clone, 1000 + round, { registered_machine: `m${index}`, ended_at: `2026-11-21T04:1${index}:00Z` }),
        );
        writeFile(clone, `kb/lessons/${round}-${index}.md`, "x\n");
      }
      const results = await Promise.all(clones.map((clone) => runProcess(clone, ["sync"])));
      expect(results.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
        clones.map(() => ({ exitCode: 0, stderr: "" })),
      );
    }
    for (const clone of clones) expect(await runProcess(clone, ["sync"])).toMatchObject({ exitCode: 0 });

    const heads = clones.map((clone) => git(clone, "rev-parse", "HEAD"));
    expect(new Set(heads).size).toBe(1);
    for (const clone of clones) {
      expect(ledgerIds(clone)).toEqual([...wanted].toSorted());
      expect(git(clone, "status", "--porcelain")).toBe("");
    }
    const [first = ""] = clones;
    const shared = [...wanted]
      .map((id) => readEntry(first, id))
      .filter(({ other_attempts: others }) => others !== undefined);
    expect(shared).toHaveLength(10);
    for (const entry of shared) {
      expect(entry).toMatchObject({ registered_machine: "m4" });
      expect(entry["other_attempts"]).toHaveLength(4);
    }
  });
});
