// Has `true` executed so often, one after the other, and prints the milliseconds of each:
// node supervise-programs.ts bare|supervised FOLDER COUNT
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { LocalSupervisor } from "../src/executor/local/supervisor/local-supervisor.ts";
import { parseJobId } from "../src/run/job-id.ts";

const [how = "", folder = "", count = "0"] = process.argv.slice(2);
const JOB_ID = parseJobId("0".repeat(32));
await using supervisor = new LocalSupervisor({
  workspaceOf: () => folder,
  workerId: "bench",
  command: {
    argv: [process.execPath, "--max-semi-space-size=1", join(import.meta.dirname, "..", "bin", "aexp.js"), "__exec"],
    env: process.env,
  },
});

await execute(1);
const start = performance.now();
for (let n = 2; n <= Number(count) + 1; n += 1) await execute(n);
process.stdout.write(String((performance.now() - start) / Number(count)));

async function execute(attempt: number): Promise<void> {
  await (how === "bare" ? executeBare() : executeSupervised(attempt));
}

async function executeBare(): Promise<void> {
  const child: ChildProcess = spawn("true", { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  await once(child, "close");
}

async function executeSupervised(attempt: number): Promise<void> {
  const running = await supervisor.start({
    jobId: JOB_ID,
    attempt,
    argv: ["true"],
    cwd: folder,
    env: process.env,
    codePatch: undefined,
    timeoutMs: undefined,
    heartbeatMs: 30_000,
    graceMs: 10_000,
  });
  const { cause } = await running.ended;
  if (cause.kind !== "exited" || cause.exitCode !== 0) throw new Error(`an attempt failed: ${JSON.stringify(cause)}`);
}
