import { describe, expect, it } from "vitest";

import type { TaskRow } from "../../../src/app/list-tasks.ts";
import {
  printTaskList,
  renderTaskList,
  type RunSource,
  type TaskListRequest,
} from "../../../src/cli/print-task-list.ts";
import { watchTasks } from "../../../src/cli/watch-tasks.ts";
import type { Task } from "../../../src/queue/task.ts";
import type { Waiting } from "../../../src/queue/waiting.ts";
import { type Exact, ExactNumber } from "../../../src/model/exact-json.ts";
import { EMPTY_DOCUMENT } from "../../../src/run/document.ts";
import { idOf } from "../../contract/queue-kit.ts";
import { NOW, spec, task } from "../../helpers/tasks.ts";

const MINUTE = 60_000;
const SCREEN = { width: 120, color: false, isTTY: true, nowMs: NOW, isUnicode: true };

function row(one: Task, waiting?: Waiting): TaskRow {
  return { task: one, waiting };
}

const RETRY: Waiting = { kind: "time", until: NOW + 12_000, failures: 1 };
const ROWS: readonly TaskRow[] = [
  row(
    task("a", "running", {
      attempt: 2,
      startedAt: NOW - 3 * MINUTE,
      stop: { at: NOW - 1000, mode: "graceful" },
      lease: { token: "t", workerId: "w-1", expiresAt: NOW + MINUTE },
    }),
  ),
  row(task("b", "queued", { attempt: 1, failures: 1, notBefore: NOW + 12_000, effectivePriority: 5 }), RETRY),
  row(task("c", "queued", { spec: spec({ lane: "gpu", name: "train" }) }), {
    kind: "lane_full",
    lane: "gpu",
    active: 2,
    max: 2,
  }),
  row(task("d", "blocked", { spec: spec({ name: "report" }), createdAt: NOW - 90 * MINUTE }), {
    kind: "needs",
    needs: [
      { run: idOf("a"), state: "running" },
      { run: idOf("b"), state: "queued" },
    ],
  }),
  row(task("e", "failed", { attempt: 1, endedAt: NOW - 2000, reason: { code: "exit_nonzero", message: "exit 1" } })),
];
const LIST = { rows: ROWS, endedLeftOut: 1240, nowMs: NOW };

/** A project whose runs have one parameter, the place of their task in the list. */
function projectOf(rows: readonly TaskRow[]): RunSource {
  const places = new Map(rows.map(({ task: { id } }, index) => [id, index]));
  return {
    runs: {
      has: (jobId) => places.has(jobId),
      read: (jobId) => ({
        jobId,
        statePoint: new Map<string, Exact>([
          ["experiment_id", "E001"],
          ["seed", ExactNumber.int(String(places.get(jobId)))],
        ]),
        document: EMPTY_DOCUMENT,
      }),
    },
  };
}

function draw(request: Partial<TaskListRequest> = {}): string {
  const text = renderTaskList(projectOf(ROWS), LIST, { screen: SCREEN, form: "text", ...request });
  return `\n${text}\n`;
}

describe("the list of the queue", () => {
  it("says how each run stands, what it waits for, and what ended lately", () => {
    expect(draw()).toMatchInlineSnapshot(`
      "
      id        experiment  name    seed  lane     state                waits for            age  attempt  reason
      0cc175b9  E001                0     default  ● running, stopping                     3 min        2
      92eb5ffe  E001                1     default  ◷ queued             retry in 12 s        1 s        1
      4a8a08f0  E001        train   2     gpu      ◷ queued             lane gpu (2 of 2)    1 s
      8277e091  E001        report  3     default  ◌ blocked            0cc175b9 +1          1 h
      e1671797  E001                4     default  ✗ failed                                  2 s        1  exit 1

      1 running, 2 queued, 1 blocked, 1 failed; 1,240 ended before (--all shows them)
      "
    `);
  });

  it("cuts what is wide on a narrow terminal, and never id and state", () => {
    expect(draw({ screen: { ...SCREEN, width: 60 } })).toMatchInlineSnapshot(`
      "
      id        state                waits for            age  …
      0cc175b9  ● running, stopping                     3 min  …
      92eb5ffe  ◷ queued             retry in 12 s        1 s  …
      4a8a08f0  ◷ queued             lane gpu (2 of 2)    1 s  …
      8277e091  ◌ blocked            0cc175b9 +1          1 h  …
      e1671797  ✗ failed                                  2 s  …

      1 running, 2 queued, 1 blocked, 1 failed; 1,240 ended before (--all shows them)
      "
    `);
  });

  it("shows the columns that are asked for, in the order that is asked for", () => {
    expect(draw({ columns: "id,sp.seed,priority,worker", sort: "-sp.seed", limit: 3 })).toMatchInlineSnapshot(`
      "
      id        seed  priority  worker
      e1671797  4            0
      8277e091  3            0
      4a8a08f0  2            0

      3 of 5: 1 running, 2 queued, 1 blocked, 1 failed; --limit shows more; 1,240 ended before (--all shows them)
      "
    `);
  });

  it("paints states on a terminal with colour", () => {
    expect(draw({ screen: { ...SCREEN, color: true }, columns: "id,state" })).toContain("\u001b[31m✗ failed");
  });

  it("names the nearest column", () => {
    expect(() => draw({ columns: "id,stat" })).toThrow('"stat" is not a column. Did you mean "state"?');
  });

  it("gives every fact in full as CSV", () => {
    let text = "";
    const output = { write: (data: string | Uint8Array) => (text += String(data)) };

    printTaskList(
      projectOf(ROWS),
      LIST,
      { screen: SCREEN, form: "csv", columns: "id,state,waits,age,sp.seed,reason" },
      output,
    );

    const lines = text.split("\r\n");
    expect(lines[0]).toBe("id,state,waits,age,seed,reason");
    expect(lines[2]).toBe(`${idOf("b")},queued,retry at 2026-03-01T12:00:12Z,2026-03-01T11:59:59Z,1,`);
    expect(lines[5]).toBe(`${idOf("e")},failed,,2026-03-01T11:59:58Z,4,exit 1`);
  });

  it("takes control sequences out of what others named", () => {
    const rows = [row(task("x", "queued", { spec: spec({ name: "ev\u001b[2Jil\nname" }) }))];

    const text = renderTaskList(
      projectOf(rows),
      { rows, endedLeftOut: 0, nowMs: NOW },
      { screen: SCREEN, form: "text" },
    );

    expect(text).not.toContain("\u001b");
    expect(text).toContain("evil name");
  });
});

async function watch(isTTY: boolean, lists: readonly (readonly TaskRow[])[]): Promise<string> {
  let text = "";
  const rest = [...lists];
  const controller = new AbortController();
  await watchTasks(projectOf(ROWS), {
    read: async () => {
      const rows = rest.shift() ?? [];
      if (rest.length === 0) controller.abort();
      return { rows, endedLeftOut: 0, nowMs: NOW };
    },
    request: { screen: SCREEN, form: "text" },
    screen: () => SCREEN,
    output: { isTTY, write: (data) => (text += String(data)) },
    signal: controller.signal,
  });
  return text;
}

describe("watching the queue", () => {
  it("draws over what was there on a terminal", async () => {
    const text = await watch(true, [ROWS.slice(0, 1)]);

    expect(text.startsWith("\u001b[2J\u001b[H")).toBe(true);
    expect(text).toContain("● running, stopping");
    expect(text.endsWith("\u001b[K\n\u001b[J")).toBe(true);
  });

  it("tells each change once elsewhere", async () => {
    const ended = row(task("a", "stopped", { attempt: 2, reason: { code: "operator_stop", message: "by ana" } }));

    const text = await watch(false, [ROWS.slice(0, 1), [...ROWS.slice(0, 1), ...ROWS.slice(2, 3)], [ended]]);

    expect(text.trimEnd().split("\n")).toEqual([
      `2026-03-01T12:00:00Z ${idOf("a").slice(0, 8)} E001 running (attempt 2)`,
      `2026-03-01T12:00:00Z ${idOf("c").slice(0, 8)} train queued - its lane gpu is full: 2 of 2 runs are active`,
      `2026-03-01T12:00:00Z ${idOf("a").slice(0, 8)} E001 stopped (attempt 2) - by ana`,
    ]);
  });
});
