import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { renderSbatchScript } from "../../../src/executor/sbatch-script.ts";
import { parseJobId } from "../../../src/run/job-id.ts";
import { tempDir } from "../../helpers/temp-dir.ts";

const JOB_ID = parseJobId("0123456789abcdef0123456789abcdef");

/** A script whose attempt is carried out by a line for `sh`, which gets the folder as `$1`. */
function script(line: string, folder = "attempt 1") {
  const path = join(tempDir(), folder);
  mkdirSync(path);
  writeFileSync(join(path, "batch.json"), "{}");
  const carrier = ["/bin/sh", "-c", line, "sh"] as const;
  return { path, text: renderSbatchScript({ jobId: JOB_ID, attempt: 1, folder: path, carrier: [...carrier] }) };
}

function run(text: string) {
  return spawnSync("/bin/sh", ["-c", text], { encoding: "utf8" });
}

describe("renderSbatchScript", () => {
  it("passes the folder and the exit code on, whatever the folder's name is", () => {
    const { path, text } = script('echo "$1"; exit 5', `it's "odd" $HOME \`x\``);

    expect(run(text)).toMatchObject({ status: 5, stdout: `${path}\n`, stderr: "" });
  });

  it("carries out again when what carries out was killed, and only then", () => {
    const once = 'echo x >> "$1/times"; [ "$(wc -l < "$1/times")" -gt 1 ] || kill -KILL $$; cat "$1/times"; exit 3';

    expect(run(script(once).text)).toMatchObject({ status: 3, stdout: "x\nx\n" });
    expect(run(script('echo x >> "$1/times"; cat "$1/times"; exit 128').text)).toMatchObject({
      status: 128,
      stdout: "x\n",
    });
  });

  it("passes TERM on, and waits for what follows", () => {
    const { text } = script(`trap 'echo told; exit 9' TERM; kill -TERM $PPID; while :; do sleep 0.05; done`);

    expect(run(text)).toMatchObject({ status: 9, stdout: "told\n" });
  });

  it("says what a node does not see", () => {
    const { path, text } = script("true");

    const noFolder = run(text.replaceAll(path, "/nonexistent"));
    const noProgram = run(text.replace("program=/bin/sh", "program=/nonexistent/node"));

    expect(noFolder.status).toBe(72);
    expect(noFolder.stderr).toMatch(/^aexp: on \S+, there is no \/nonexistent: the run store must be/);
    expect(noProgram.status).toBe(72);
    expect(noProgram.stderr).toMatch(
      /there is no program \/nonexistent\/node: install Node\.js where all nodes see it/,
    );
  });
});
