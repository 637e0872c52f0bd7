import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";

import { runCli } from "../helpers/cli.ts";
import { makeQueueProject } from "../helpers/queue-project.ts";
import { startWorker } from "../helpers/worker-process.ts";

const SECRET = "hunter2-secret";
const COMMANDS = [
  ["queue", "list"],
  ["queue", "add", "--experiment", "E001", "--command", "true"],
  ["queue", "stats"],
  ["queue", "events"],
  ["queue", "recover"],
  ["queue", "recover", "--rebuild"],
  ["queue", "run"],
  ["worker", "start", "--until-empty"],
  ["worker", "start", "--detach"],
  ["worker", "list"],
  ["lane", "list"],
  ["lock", "list"],
  ["lock", "acquire", "license", "--ttl", "1m"],
  ["status"],
  ["doctor"],
] as const;

/** The shared server's URL with another password. */
function refusedUrl(): string {
  const url = new URL(inject("postgresUrl"));
  url.password = SECRET;
  return url.href;
}

/** All files below a folder, as one text. */
function everythingIn(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");
}

describe("the password of a database", () => {
  it("is in no message of any command that it does not open", async () => {
    const { root } = await makeQueueProject();
    for (const argv of COMMANDS) {
      for (const flags of [[], ["--json"]]) {
        const env = { AEXP_DATABASE_URL: refusedUrl(), DEBUG: "aexp" };

        const { stdout, stderr } = await runCli(root, [...argv, ...flags], { env });

        expect(stdout + stderr, `aexp ${argv.join(" ")}`).not.toContain(SECRET);
        expect(stdout + stderr, `aexp ${argv.join(" ")}`).toContain("PostgreSQL at 127.0.0.1");
      }
    }
    expect(everythingIn(root)).not.toContain(SECRET);
  });

  it("is in no file that a worker and its runs leave, and in no event", async () => {
    const { root, add } = await makeQueueProject();
    await add("--sweep", "n=1..2", "--command", "exit {n}", "--retries", "0");
    const worker = startWorker(root, { id: "worker" });
    await worker.ended;
    // Who executed nothing would give nothing away.
    expect(worker.told("ended")).toHaveLength(2);
    const { stdout } = await runCli(root, ["queue", "events", "--json"]);
    expect(stdout).toContain("run.ended");

    for (const secret of [decodeURIComponent(new URL(inject("postgresUrl")).password), inject("postgresUrl")]) {
      expect(everythingIn(root)).not.toContain(secret);
      expect(stdout + JSON.stringify(worker.told()) + worker.printed.stderr).not.toContain(secret);
    }
  });
});
