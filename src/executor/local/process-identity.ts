import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";

import { systemErrorCode } from "../../model/errors.ts";
import type { ProcessRecord } from "../../run/document.ts";

/** A record of a process that tells it from a later one with the same number. `undefined` when it is gone already. */
export function identifyProcess(pid: number, pgid: number): ProcessRecord | undefined {
  const fingerprint = startFingerprint(pid);
  if (fingerprint === undefined) return undefined;
  return { pid, pgid, host: hostname(), boot_id: bootId(), start_fingerprint: fingerprint };
}

/** A record of a child that ended before it could be identified: any process of its number is another one. */
export function recordOfGone(pid: number): ProcessRecord {
  return { pid, pgid: pid, host: hostname(), boot_id: bootId(), start_fingerprint: "gone" };
}

/** Whether the very process of the record still runs on this machine. */
export function isSameProcessAlive(record: ProcessRecord): boolean {
  if (record.host !== hostname()) return false;
  if (record.boot_id !== undefined && record.boot_id !== bootId()) return false;
  const fingerprint = startFingerprint(record.pid);
  return fingerprint !== undefined && (record.start_fingerprint ?? fingerprint) === fingerprint;
}

/**
 * Whether any member of the record's process group still runs. The leader may be gone while its children live on; its
 * number is then not given to a new process, because the group still bears it. A living leader must be the same one.
 */
export function isGroupAlive(record: ProcessRecord): boolean {
  // Asked first, because it answers for most groups and costs next to nothing.
  if (!signalGroup(record.pgid, 0)) return false;
  if (record.host !== hostname()) return false;
  if (record.boot_id !== undefined && record.boot_id !== bootId()) return false;
  const leader = startFingerprint(record.pid);
  if (leader !== undefined && leader !== (record.start_fingerprint ?? leader)) return false;
  return hasLiveMember(record.pgid);
}

/** Whether a process group has a member that is not a zombie, which nobody may be there to reap in a container. */
export function hasLiveMember(pgid: number): boolean {
  if (!signalGroup(pgid, 0)) return false;
  if (process.platform !== "linux") return true;
  return readdirSync("/proc").some((name) => {
    if (!/^\d+$/.test(name)) return false;
    const fields = statFields(Number(name));
    return fields !== undefined && fields[2] === String(pgid) && !isDead(fields[0]);
  });
}

/**
 * The group leader whose environment has this line, e.g. `AEXP_JOB_ID=…`; the group's first member found when its
 * leader is gone. Only Linux lets a process look; elsewhere nothing is found.
 */
export function findGroupByEnvironment(line: string): ProcessRecord | undefined {
  if (process.platform !== "linux") return undefined;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid || !readEnvironment(name).includes(line)) continue;
    const group = Number(statFields(Number(name))?.[2]);
    if (group > 0)
      return identifyProcess(group, group) ?? { pid: group, pgid: group, host: hostname(), boot_id: bootId() };
  }
  return undefined;
}

function readEnvironment(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return []; // gone, or somebody else's
  }
}

/** Sends a signal to a process group; false when it has no member. */
export function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pgid, signal);
  } catch (error) {
    if (systemErrorCode(error) === "ESRCH") return false;
    // macOS answers EPERM for a group of which only zombies are left.
    if (systemErrorCode(error) === "EPERM") return false;
    throw error;
  }
}

/** Sends a signal to one process; false when it is gone. @throws when it is somebody else's */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (systemErrorCode(error) === "ESRCH") return false;
    throw error;
  }
}

/** When the process started, in a form that only this machine understands; `undefined` for one that is gone or dead. */
function startFingerprint(pid: number): string | undefined {
  if (process.platform === "linux") {
    const fields = statFields(pid);
    return fields === undefined || isDead(fields[0]) ? undefined : fields[19];
  }
  try {
    const text = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    return text.trim() || undefined;
  } catch {
    return undefined; // no such process
  }
}

/** The fields of proc(5)'s stat from the third on: state, parent, group, …, the start time being the twentieth here. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in parentheses, and may hold anything.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined; // no such process
  }
}

function isDead(state: string | undefined): boolean {
  return state === "Z" || state === "X";
}

/** It cannot change while this process lives. */
let knownBootId: string | undefined;

function bootId(): string {
  return (knownBootId ??= readBootId());
}

function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "unknown"; // not Linux: the start times of processes have dates there
  }
}
