import { describe, expect, it } from "vitest";

import { mayBeExecutedOn, movedTo, parsePortableRun } from "../../../src/queue/portable-run.ts";
import { PORTABLE } from "../../contract/queue-kit.ts";

const HOME = { machine: "laptop", target: undefined, attempt: 0 } as const;
const WITH = { ...HOME, commit: "c1", portable: PORTABLE } as const;

describe("where a run may be executed", () => {
  it.each([
    { what: "anywhere, without target and commit", task: HOME, on: "gpu", commits: [], may: true },
    { what: "on its target", task: { ...HOME, target: "gpu" }, on: "gpu", commits: [], may: true },
    { what: "not beside its target", task: { ...HOME, target: "gpu" }, on: "laptop", commits: [], may: false },
    { what: "at home, whatever is offered", task: WITH, on: "laptop", commits: [], may: true },
    { what: "where its commit is", task: WITH, on: "gpu", commits: ["c0", "c1"], may: true },
    { what: "not where its commit is not", task: WITH, on: "gpu", commits: ["c0"], may: false },
    { what: "where it was begun", task: { ...WITH, attempt: 1, target: "gpu" }, on: "gpu", commits: [], may: true },
    { what: "not elsewhere once begun", task: { ...WITH, attempt: 1 }, on: "gpu", commits: ["c1"], may: false },
    { what: "on its target with the commit", task: { ...WITH, target: "gpu" }, on: "gpu", commits: ["c1"], may: true },
    { what: "not on its target without", task: { ...WITH, target: "gpu" }, on: "gpu", commits: [], may: false },
  ])("$what", ({ task, on, commits, may }) => {
    expect(mayBeExecutedOn(on, commits, task)).toBe(may);
  });

  it("tells where it has gone", () => {
    expect(movedTo({ ...WITH, target: "gpu", attempt: 1 })).toBe("gpu");
    expect(movedTo({ ...WITH, target: "gpu" })).toBeUndefined();
    expect(movedTo({ ...WITH, attempt: 1 })).toBeUndefined();
    expect(movedTo({ ...HOME, target: "gpu", attempt: 1 })).toBeUndefined();
  });
});

describe("what a task says of carrying its run", () => {
  it("is read as it was written, and refused otherwise", () => {
    expect(parsePortableRun(JSON.parse(JSON.stringify(PORTABLE)), "a task")).toEqual(PORTABLE);
    for (const value of [null, "x", {}, { ...PORTABLE, template: 3 }, { ...PORTABLE, statePoint: {} }]) {
      expect(() => parsePortableRun(value, "a task")).toThrow(expect.objectContaining({ code: "queue.spec_invalid" }));
    }
  });
});
