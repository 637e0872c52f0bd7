import { captureHelp } from "../helpers/capture-help.ts";
import { describe, expect, it } from "vitest";

import { runCli } from "../helpers/cli.ts";
import { tempDir } from "../helpers/temp-dir.ts";

describe("the launcher", () => {
  it("prints the version with --version, -v and version", async () => {
    const { stdout } = await runCli("/", ["version"]);

    expect(stdout).toMatch(/^aexp \d+\.\d+\.\d+ \(node \d+\.\d+\.\d+, \w+-\w+\)\n$/);
    expect((await runCli("/", ["--version"])).stdout).toBe(stdout);
    expect((await runCli("/", ["-v"])).stdout).toBe(stdout);
  });

  it("names the nearest command for an unknown one", async () => {
    expect(await runCli("/", ["valdate"])).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        'error: "valdate" is not a command of aexp. Did you mean "validate"?\n  `aexp help` lists the commands.\n',
    });
  });

  it("names the nearest verb of a known topic", async () => {
    const { stderr } = await runCli("/", ["runs", "lst"]);

    expect(stderr).toContain('"runs lst" is not a command of aexp. Did you mean "runs list"?');
  });

  it("tells errors as JSON on stdout under --json, with the same exit code", async () => {
    const { stdout, exitCode } = await runCli("/", ["nonsense", "--json"]);

    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: "cli.unknown_command",
        message: '"nonsense" is not a command of aexp.',
        hint: "`aexp help` lists the commands.",
      },
    });
  });

  it("refuses an unknown flag with exit code 2", async () => {
    const { stderr, exitCode } = await runCli("/", ["version", "--shiny"]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain("--shiny");
  });

  it("says what it looked for outside a repository", async () => {
    const folder = tempDir();

    const { stderr, exitCode } = await runCli(folder, ["validate"]);

    expect(exitCode).toBe(2);
    expect(stderr).toBe(
      `error: no repository here: looked for .git and .aexp/installed.json in ${folder} and every folder above it\n` +
        "  Run `git init` and `aexp install`, or name the folder with --repo.\n",
    );
  });

  it("shows help for the program, a topic and a command", async () => {
    expect(await captureHelp([])).toContain("USAGE");
    expect(await captureHelp(["runs"])).toContain("runs list");
    expect(await captureHelp(["validate", "--help"])).toContain("--strict-runs");
    expect(await captureHelp(["help", "validate"])).toContain("--strict-runs");
  });
});
