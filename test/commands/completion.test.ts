import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";

import { renderCompletion } from "../../src/cli/render/completion.ts";
import { runCli } from "../helpers/cli.ts";

const COMMANDS = [
  { id: "validate", summary: "Check it's backed.", flags: ["format", "json"] },
  { id: "runs list", summary: "List runs.", flags: ["limit"] },
  { id: "runs show", summary: "Show a run.", flags: [] },
];

/** What bash offers for the last word of a line. */
function complete(...words: string[]): string[] {
  const script = `${renderCompletion("bash", COMMANDS)}
COMP_WORDS=(aexp ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _aexp; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line !== "");
}

describe("aexp completion", () => {
  it("offers commands and topics, then verbs, then flags", () => {
    expect(complete("")).toEqual(["runs", "validate"]);
    expect(complete("runs", "s")).toEqual(["show"]);
    expect(complete("runs", "list", "--")).toEqual(["--limit"]);
    expect(complete("validate", "--f")).toEqual(["--format"]);
  });

  it("prints the real commands for every shell", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { stdout, exitCode } = await runCli("/", ["completion", shell]);

      expect(exitCode).toBe(0);
      expect(stdout).toContain("completion");
      expect(stdout).toContain("validate");
    }
  });

  it("refuses a shell it does not know", async () => {
    expect(await runCli("/", ["completion", "tcsh"])).toMatchObject({ exitCode: 2, stdout: "" });
  });
});
