import { spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

import { openRepo } from "../../src/wiring/open-repo.ts";
import { createRun, repoWithStore } from "../helpers/run-factory.ts";

const BIN = join(import.meta.dirname, "..", "..", "bin", "aexp.js");

/** Starts a promotion and kills it; returns whether the kill came before its end. */
function promoteAndKill(root: string, jobId: string, afterMs: number): Promise<boolean> {
  const child = spawn(process.execPath, [BIN, "ledger", "promote", jobId], { cwd: root, stdio: "ignore" });
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  return new Promise((resolve) => {
    child.on("exit", (_, signal) => {
      clearTimeout(timer);
      resolve(signal === "SIGKILL");
    });
  });
}

it("leaves a whole entry or none when ledger promote is killed at any point, and the next call finishes", async () => {
  const { root, store } = await repoWithStore();
  const { ledger } = openRepo({ folder: root, cwd: root, env: process.env, warn: () => undefined });
  const kills: boolean[] = [];

  for (let point = 0; point < 16; point += 1) {
    const jobId = await createRun(store, `{"point": ${point}}`);
    kills.push(await promoteAndKill(root, jobId, 25 + point * 3));
    expect([undefined, "entry"]).toContain(ledger.read(jobId)?.kind);

    const again = spawnSync(process.execPath, [BIN, "ledger", "promote", jobId], { cwd: root });
    expect(again.status).toBe(0);
    expect(ledger.read(jobId)?.kind).toBe("entry");
  }

  expect(kills).toContain(true);
  const verified = spawnSync(process.execPath, [BIN, "ledger", "verify"], { cwd: root });
  expect(verified.status).toBe(0);
  const entries = readdirSync(ledger.path).filter((name) => /^[0-9a-f]{32}\.json$/.test(name));
  expect(entries).toHaveLength(16);
});
