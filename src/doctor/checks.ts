import type { FolderProbe } from "./machine.ts";

/** One line of `aexp doctor`. */
export interface Check {
  readonly name: string;
  readonly state: "ok" | "warning" | "bad";
  readonly message: string;
  /** What to do, when the state is not ok. */
  readonly hint?: string;
}

/** Below this the next run may not have room for its logs. */
const LOW_DISK_BYTES = 1024 ** 3;
/** Leases and "last seen" times compare clocks; a difference of a few seconds is normal. */
const MAX_CLOCK_DIFFERENCE_MS = 5_000;

/** @param version - `undefined` when git is not installed */
export function checkGit(version: string | undefined): Check {
  const name = "git";
  if (version === undefined) {
    return { name, state: "bad", message: "git is not installed", hint: "Install git 2.38 or newer." };
  }
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 2 || (major === 2 && minor >= 38)) return { name, state: "ok", message: version };
  return { name, state: "warning", message: `git ${version} is older than 2.38`, hint: "Install git 2.38 or newer." };
}

export function checkMarker(isInstalled: boolean, machineLabel: string): Check {
  const name = "install";
  return isInstalled
    ? { name, state: "ok", message: `this machine is "${machineLabel}"` }
    : { name, state: "bad", message: "this clone is not installed", hint: "Run `aexp install`." };
}

/** The ledger has to travel by git, the marker must not. */
export function checkIgnored(facts: { readonly isLedgerIgnored: boolean; readonly isMarkerIgnored: boolean }): Check {
  const name = ".gitignore";
  if (facts.isLedgerIgnored) {
    return {
      name,
      state: "bad",
      message: "git ignores .aexp/ledger, so entries never reach other machines",
      hint: "Run `aexp install`; it names the line that excludes the folder.",
    };
  }
  if (!facts.isMarkerIgnored) {
    return { name, state: "bad", message: "git would commit .aexp/installed.json", hint: "Run `aexp install`." };
  }
  return { name, state: "ok", message: "entries are committed, machine files are not" };
}

export function checkMergeDriver(facts: {
  readonly isConfigured: boolean;
  readonly program: string | undefined;
}): Check {
  const name = "merge driver";
  if (!facts.isConfigured) {
    return {
      name,
      state: "warning",
      message: "git does not know the ledger's merge driver; `aexp sync` merges without it",
      hint: "Run `aexp install`.",
    };
  }
  if (facts.program === undefined) {
    return {
      name,
      state: "warning",
      message: "git cannot find `aexp`; `aexp sync` merges without the driver",
      hint: "Put aexp on your PATH, for example with `npm install --global`.",
    };
  }
  return { name, state: "ok", message: "configured" };
}

/** Whether a folder of ours can be written, has room, and sits where locks work. */
export function checkFolder(name: string, probe: FolderProbe, isRequired: boolean): Check {
  switch (probe.kind) {
    case "missing":
      return isRequired
        ? { name, state: "bad", message: "there is no such folder", hint: "Run `aexp install`." }
        : { name, state: "ok", message: "nothing there yet" };
    case "unwritable":
      return {
        name,
        state: "bad",
        message: `it cannot be written: ${probe.problem}`,
        hint: "Give yourself the right to write there.",
      };
    case "writable":
      if (probe.freeBytes < LOW_DISK_BYTES) {
        return {
          name,
          state: "warning",
          message: `only ${toMiB(probe.freeBytes)} MiB are free`,
          hint: "Make room before the next run.",
        };
      }
      return { name, state: "ok", message: `writable, ${Math.floor(probe.freeBytes / 1024 ** 3)} GiB free` };
  }
}

export function checkFileSystem(probe: FolderProbe): Check {
  const name = "file system";
  return probe.kind === "writable" && probe.fileSystem === "network"
    ? {
        name,
        state: "warning",
        message: "the run store is on a network file system, where locks of other machines arrive late",
        hint: "Start runs of one store from one machine at a time.",
      }
    : { name, state: "ok", message: "local" };
}

export function checkClock(probe: FolderProbe): Check {
  const name = "clock";
  if (probe.kind !== "writable") return { name, state: "ok", message: "nothing to compare with" };
  const { clockDifferenceMs: difference } = probe;
  if (Math.abs(difference) <= MAX_CLOCK_DIFFERENCE_MS)
    return { name, state: "ok", message: "agrees with the file system" };
  return {
    name,
    state: "warning",
    message: `the file system's clock is ${Math.abs(difference / 1000).toFixed(1)} s ${difference > 0 ? "ahead" : "behind"}`,
    hint: "Synchronize both clocks, or times of runs will not compare.",
  };
}

/** Hooks and policies that nobody agreed to do not run, which is easily overlooked. */
export function checkTrusted(
  what: "hooks" | "policies",
  count: number,
  trust: "trusted" | "untrusted" | "changed",
): Check {
  const name = what;
  if (count === 0) return { name, state: "ok", message: "none" };
  if (trust === "trusted") return { name, state: "ok", message: `${count}, trusted` };
  const why = trust === "changed" ? "changed since you trusted them" : "are not trusted on this machine";
  return {
    name,
    state: "warning",
    message: `the ${what} of aexp.yaml ${why}, so none of them runs`,
    hint: "Look at them and agree with `aexp trust`.",
  };
}

function toMiB(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2);
}
