import { readFileSync } from "node:fs";

/** Where the kernel says how often it killed for want of memory: this process's own cgroup, version 2 or 1. */
const CGROUP_FOLDERS = { v2: "/sys/fs/cgroup", v1: "/sys/fs/cgroup/memory" };

/**
 * How many processes of this one's cgroup the kernel has killed for want of memory so far; of the whole machine where
 * there is no cgroup to ask. `undefined` where that cannot be known, as on macOS.
 */
export function countOomKills(read: (path: string) => string | undefined = readIfPresent): number | undefined {
  const groups = (read("/proc/self/cgroup") ?? "").split("\n").map((line) => line.split(":"));
  const v2 = groups.find(([id]) => id === "0")?.[2];
  const v1 = groups.find(([, controllers]) => controllers?.split(",").includes("memory"))?.[2];
  const sources = [
    ...(v2 === undefined ? [] : [`${CGROUP_FOLDERS.v2}${v2}/memory.events`]),
    ...(v1 === undefined ? [] : [`${CGROUP_FOLDERS.v1}${v1}/memory.oom_control`]),
    "/proc/vmstat",
  ];
  for (const path of sources) {
    const count = /^oom_kill (\d+)$/m.exec(read(path) ?? "")?.[1];
    if (count !== undefined) return Number(count);
  }
  return undefined;
}

/** For so long a count stands for those of all programs that are started. */
const FRESH_MS = 1000;
let last: { readonly atMs: number; readonly count: number | undefined } | undefined;

/** As {@link countOomKills}, for a program that is about to start: of many that start at once, it is counted for one. */
export function countOomKillsBefore(): number | undefined {
  return last !== undefined && performance.now() - last.atMs < FRESH_MS ? last.count : countNow();
}

/** Whether a process was killed for want of memory since that was counted. */
export function hasOomKillSince(before: number | undefined): boolean {
  return (countNow() ?? 0) > (before ?? 0);
}

function countNow(): number | undefined {
  last = { atMs: performance.now(), count: countOomKills() };
  return last.count;
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // No such control group file on this kernel: the next place is asked.
    return undefined;
  }
}
