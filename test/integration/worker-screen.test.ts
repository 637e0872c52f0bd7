import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

import { makeQueueProject } from "../helpers/queue-project.ts";
import { FakeTerminal } from "../helpers/terminal.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");

/** Runs a command line on a real terminal, which `script` makes; what is typed goes to its standard input. */
function onTerminal(cwd: string, words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const line = `stty cols 80 rows 24; exec "${process.execPath}" "${MAIN}" ${words.join(" ")}`;
  const isLinux = process.platform === "linux";
  const args = isLinux ? ["-qec", line, "/dev/null"] : ["-q", "/dev/null", "/bin/sh", "-c", line];
  const { NO_COLOR: _, ...inherited } = process.env;
  const child = spawn("script", args, {
    cwd,
    env: { ...inherited, TERM: "xterm", SHELL: "/bin/sh", AEXP_POLL_S: "0.02", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const printed = { text: "" };
  child.stdout.on("data", (bytes: Buffer) => (printed.text += bytes.toString("utf8")));
  const ended = once(child, "close").then(() => child.exitCode);
  return { printed, ended, type: (keys: string) => child.stdin.write(keys) };
}

/** What stands on the terminal in the end. */
function look(text: string): FakeTerminal {
  const terminal = new FakeTerminal(80, 24);
  terminal.write(text);
  return terminal;
}

describe("a worker on a terminal", () => {
  it("shows what runs, and leaves what ended and the summary", async () => {
    const project = await makeQueueProject();
    const command = 'echo "{{\\"loss\\": 0.{seed}}}" >> $AEXP_METRICS_FILE; sleep 0.6; test {seed} != 1';
    await project.add("--sweep", "seed=0..2", "--command", command);

    const terminal = onTerminal(project.root, ["worker", "start", "--until-empty"]);

    expect(await terminal.ended).toBe(1);
    const { text } = terminal.printed;
    expect(text).toContain("\u001b[?25l");
    expect(text).toMatch(/seed=0 .*\d\.\d s/);
    const shown = look(text);
    expect(shown.isCursorShown).toBe(true);
    expect(shown.lines.slice(0, 3)).toEqual([
      expect.stringMatching(/^✓ complete {4}[0-9a-f]{8} {2}E001 {2}seed=0 {2}0\.\d s {2}loss=0$/),
      expect.stringMatching(/^✗ failed {6}[0-9a-f]{8} {2}E001 {2}seed=1 {2}0\.\d s {2}exit 1$/),
      expect.stringMatching(/^✓ complete {4}[0-9a-f]{8} {2}E001 {2}seed=2 {2}0\.\d s {2}loss=0\.2$/),
    ]);
    expect(shown.lines[3]).toMatch(/^2 complete, 1 failed in /);
  });

  it("obeys Ctrl-C once and twice, and NO_COLOR", async () => {
    const project = await makeQueueProject();
    await project.add("--sweep", "seed=0..2", "--command", "sleep 600");
    const terminal = onTerminal(project.root, ["worker", "start", "--slots", "2"], { NO_COLOR: "1" });
    const { printed } = terminal;
    await waitUntil("two runs", () => /seed=0 [^]*seed=1 /.test(printed.text));

    terminal.type("\u0003");
    await waitUntil("the drain", () =>
      printed.text.includes("waiting for what runs; Ctrl-C again gives it back at once"),
    );
    expect((await project.ports.store.tasks({ states: ["running"] })).length).toBe(2);
    terminal.type("\u0003");

    expect(await terminal.ended).toBe(130);
    const shown = look(printed.text.replaceAll("^C", ""));
    expect(shown.isCursorShown).toBe(true);
    expect(shown.lines.filter((line) => line.startsWith("◷ given back"))).toHaveLength(2);
    expect(printed.text).not.toMatch(/\u001b\[\d*m/);
    expect((await project.ports.store.tasks({ states: ["queued"] })).length).toBe(3);
  });
});
