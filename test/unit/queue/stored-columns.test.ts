import { describe, expect, test } from "vitest";

import { readStoredTask, type StoredTask } from "../../../src/queue/records.ts";
import { toColumnValues } from "../../../src/queue/sqlite/column-values.ts";
import { listColumns, MOVED_COLUMNS, SUBMITTED_COLUMNS, toRow } from "../../../src/queue/stored-columns.ts";
import { idOf, PORTABLE } from "../../contract/queue-kit.ts";
import { NOW, spec, task } from "../../helpers/tasks.ts";

const ALL = [...new Map([...SUBMITTED_COLUMNS, ...MOVED_COLUMNS].map((column) => [column.name, column])).values()];

const BARE: StoredTask = {
  ...task("bare", "queued"),
  life: 1,
  stopReason: undefined,
  isResolvable: false,
  isLeader: false,
};
/** With something in every column, whether or not a task can ever be like that. */
const FULL: StoredTask = {
  ...task("full", "cached", {
    seq: 7,
    spec: spec({ name: "full", tag: "night", priority: 3, resources: ["gpu:0"] }),
    reason: { code: "exit_nonzero", message: "exit 1", because: idOf("other") },
    target: "cluster",
    commit: "c".repeat(40),
    portable: PORTABLE,
    executor: "slurm",
    effectivePriority: 4,
    notBefore: NOW + 1,
    stop: { at: NOW + 2, mode: "kill" },
    attempt: 3,
    failures: 2,
    lease: { token: "token", workerId: "worker", expiresAt: NOW + 3 },
    exitCode: 1,
    signal: "SIGTERM",
    queuedAt: NOW + 4,
    startedAt: NOW + 5,
    endedAt: NOW + 6,
    cacheKey: "sha256:key",
    follows: idOf("leader"),
    cachedFrom: idOf("holder"),
  }),
  life: 2,
  stopReason: { code: "operator_stop", message: "stopped by ana" },
  isResolvable: true,
  isLeader: true,
};

describe("the columns of a task", () => {
  test.for([BARE, FULL])("hold all that is read back from them: %#", (stored) => {
    const values = Object.entries(toColumnValues(ALL, stored)).map(([name, value]) => [name, value ?? null]);

    expect(readStoredTask({ ...Object.fromEntries(values), resolved_inputs: null })).toEqual(stored);
  });

  test("are each filled by a task that has everything", () => {
    expect(Object.values(toRow(ALL, FULL))).not.toContain(undefined);
  });

  test("are named once in what one statement writes", () => {
    for (const columns of [SUBMITTED_COLUMNS, MOVED_COLUMNS]) {
      const names = listColumns(columns, ({ name }) => name).split(", ");

      expect(new Set(names).size).toBe(columns.length);
    }
  });
});
