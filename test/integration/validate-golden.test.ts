import { cpSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

import { ISSUE_CODES } from "../../src/validate/codes.ts";
import { runCli } from "../helpers/cli.ts";
import { tempDir } from "../helpers/temp-dir.ts";

/**
 * A case is a folder of test/validate: the repository in `repo/`, words for the command line in `args.txt`, and what is
 * printed in `expected.txt`, or in `expected.<strictness>.txt` for each strictness.
 */
const CASES = join(import.meta.dirname, "..", "validate");
const EXPECTED = globSync("*/expected*.txt", { cwd: CASES }).toSorted();

/** Codes whose cause cannot be kept in git: they are tested in validate.test.ts of test/commands. */
const NEEDS_MORE_THAN_FILES = ["ledger.uncommitted", "validate.check_failed"];

describe("aexp validate", () => {
  it.each(EXPECTED)("%s", async (file) => {
    const folder = join(CASES, dirname(file));
    const strictness = /^expected\.(\w+)\.txt$/.exec(basename(file))?.[1];
    const argsFile = join(folder, "args.txt");
    const args = existsSync(argsFile) ? readFileSync(argsFile, "utf8").trim().split(/\s+/) : [];
    const root = join(tempDir(), "repo");
    cpSync(join(folder, "repo"), root, { recursive: true, verbatimSymlinks: true });
    mkdirSync(join(root, ".aexp"), { recursive: true });
    writeFileSync(join(root, ".aexp", "installed.json"), "{}\n");

    const result = await runCli(
      root,
      ["validate", ...(strictness === undefined ? [] : ["--strict-runs", strictness]), ...args],
      { env: { HOME: "/home/user" } },
    );

    expect(result.stderr).toBe("");
    await expect(result.stdout).toMatchFileSnapshot(join(CASES, file));
    expect(result.exitCode).toBe(/^(?:error |::error )|"ok":false/m.test(result.stdout) ? 1 : 0);
  });

  it("has a failing case for every code", () => {
    const seen = new Set(
      EXPECTED.flatMap((file) =>
        [...readFileSync(join(CASES, file), "utf8").matchAll(/^(?:error|warning) (\S+)/gm)].map(([, code]) => code),
      ),
    );
    const missing = Object.keys(ISSUE_CODES).filter((code) => !seen.has(code) && !NEEDS_MORE_THAN_FILES.includes(code));
    expect(missing).toEqual([]);
  });
});
