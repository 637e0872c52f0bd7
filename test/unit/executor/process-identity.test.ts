import { spawn } from "node:child_process";
import { once } from "node:events";
import { hostname } from "node:os";
import { describe, expect, it, onTestFinished } from "vitest";

import {
  findGroupByEnvironment,
  hasLiveMember,
  identifyProcess,
  isGroupAlive,
  isSameProcessAlive,
} from "../../../src/executor/local/process-identity.ts";
import { localProcesses } from "../../../src/executor/local/local-processes.ts";

function identify(pid: number) {
  const record = identifyProcess(pid, pid);
  if (record === undefined) throw new Error(`no process ${pid}`);
  return record;
}

/** A process in a group of its own. */
function startGroup(env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
    detached: true,
    stdio: "ignore",
    env: { ...process.env, ...env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const { pid } = child;
  if (pid === undefined) throw new Error("did not start");
  return { child, pid };
}

describe("the identity of a process", () => {
  it("holds for this process, and for no other with its number", () => {
    const self = identify(process.pid);

    expect(isSameProcessAlive(self)).toBe(true);
    expect(isSameProcessAlive({ ...self, start_fingerprint: "1" })).toBe(false);
    expect(isSameProcessAlive({ ...self, boot_id: "another boot" })).toBe(false);
    expect(isSameProcessAlive({ ...self, host: `not-${hostname()}` })).toBe(false);
    expect(isGroupAlive({ ...self, start_fingerprint: "1" })).toBe(false);
    expect(isGroupAlive({ ...self, boot_id: "another boot" })).toBe(false);
    expect(isGroupAlive({ ...self, host: `not-${hostname()}` })).toBe(false);
  });

  it("ends with the process", async () => {
    const { child, pid } = startGroup();
    const record = identify(pid);
    expect([isSameProcessAlive(record), isGroupAlive(record), hasLiveMember(pid)]).toEqual([true, true, true]);

    child.kill("SIGKILL");
    await once(child, "exit");

    expect([isSameProcessAlive(record), isGroupAlive(record), hasLiveMember(pid)]).toEqual([false, false, false]);
    expect(identifyProcess(pid, pid)).toBeUndefined();
  });

  it.runIf(process.platform === "linux")("is found by a line of the environment", async () => {
    const mark = `AEXP_TEST_MARK=${process.pid}-${performance.now()}`;
    expect(findGroupByEnvironment(mark)).toBeUndefined();
    const { pid } = startGroup({ AEXP_TEST_MARK: mark.slice(mark.indexOf("=") + 1) });

    expect(findGroupByEnvironment(mark)).toEqual(identify(pid));
  });
});

describe("localProcesses", () => {
  it("knows nothing of other machines", () => {
    const self = identify(process.pid);

    expect(localProcesses.isRunning(self)).toBe(true);
    expect(localProcesses.isRunning({ ...self, start_fingerprint: "1" })).toBe(false);
    expect(localProcesses.isRunning({ ...self, host: `not-${hostname()}` })).toBeUndefined();
  });
});
