import { describe, expect, it } from "vitest";

import { countOomKills } from "../../../src/executor/local/oom-kills.ts";

/** A machine whose files are these. */
function readFrom(files: Readonly<Record<string, string>>): (path: string) => string | undefined {
  return (path) => files[path];
}

describe("countOomKills", () => {
  it.each([
    {
      where: "a cgroup of version 2",
      files: {
        "/proc/self/cgroup": "0::/user.slice/session-2.scope\n",
        "/sys/fs/cgroup/user.slice/session-2.scope/memory.events": "low 0\noom 3\noom_kill 2\noom_group_kill 0\n",
        "/proc/vmstat": "oom_kill 9\n",
      },
      count: 2,
    },
    {
      where: "a cgroup of version 1",
      files: {
        "/proc/self/cgroup": "4:memory:/job_7\n1:cpu:/\n",
        "/sys/fs/cgroup/memory/job_7/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
      },
      count: 1,
    },
    { where: "the whole machine", files: { "/proc/vmstat": "pgfault 12\noom_kill 5\n" }, count: 5 },
    { where: "a machine that does not say", files: {}, count: undefined },
  ])("asks $where", ({ files, count }) => {
    expect(countOomKills(readFrom(files))).toBe(count);
  });
});
