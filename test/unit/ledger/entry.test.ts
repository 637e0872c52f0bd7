import { describe, expect, it } from "vitest";

import { isLedgerEntry } from "../../../src/generated/validators.js";
import { findUnrepresentable, isSameEntry, keepForeignKeys, projectEntry } from "../../../src/ledger/entry.ts";
import { parseLedgerEntry } from "../../../src/ledger/parse-entry.ts";
import { type ExactObject, toPlain, toSortedPrettyJson } from "../../../src/model/exact-json.ts";
import { parseExactObject } from "../../../src/model/exact-json-reader.ts";
import { toJobId } from "../../../src/run/job-id.ts";

const STATE_POINT = parseExactObject(
  '{"lr": 1.0, "code_commit": "abc", "code_dirty": true, "b": 12345678901234567890}',
);

function project(document: string): ExactObject {
  const entry = projectEntry({
    jobId: toJobId(STATE_POINT),
    statePoint: STATE_POINT,
    document: parseExactObject(document),
    machineLabel: "cluster",
    promotedAt: "2026-11-21T05:00:00Z",
  });
  if (entry === undefined) throw new Error("not projected");
  return entry;
}

describe("the projection", () => {
  it("takes what is on the list, and nothing else", () => {
    const entry = project(`{
      "limina": {"experiment_id": "E007", "experiment_path": null, "hypothesis_id": "H001", "secret": "x"},
      "status": "failed", "reason": {"code": "oom", "message": "node /home/ada"},
      "created_at": "2026-11-21T03:00:00Z", "started_at": "2026-11-21T04:00:00Z", "ended_at": "2026-11-21T04:00:10Z",
      "wallclock_s": 10.0, "exit_code": null, "signal": "SIGKILL", "attempt": 3, "attempts": [{"n": 1, "status": "failed", "host": "x"}],
      "summary_metrics": {"loss": 1.0, "acc": NaN, "ok": true, "note": "short", "long": "${"x".repeat(201)}", "curve": [1], "n": null},
      "tracker": {"backend": "wandb", "run_id": null, "url": "https://x", "entity": "me"},
      "queue": {"runner_command_override": "secret"}, "heartbeat_at": "2026-11-21T04:00:10Z", "mine": "/home/ada",
      "outputs": {"model": {"digest": "sha256:1", "bytes": 12, "path": "/home/ada/model"}, "broken": {"bytes": 1}}}`);

    expect(toSortedPrettyJson(entry)).toMatchInlineSnapshot(`
      "{
        "attempt_count": 3,
        "code_commit": "abc",
        "code_dirty": true,
        "ended_at": "2026-11-21T04:00:10Z",
        "job_id": "da8f506c9c135dfd4a20794092d97f43",
        "outputs": [
          {
            "bytes": 12,
            "digest": "sha256:1",
            "name": "model"
          }
        ],
        "promoted_at": "2026-11-21T05:00:00Z",
        "reason": {
          "code": "oom"
        },
        "registered_machine": "cluster",
        "run_link": {
          "experiment_id": "E007",
          "hypothesis_id": "H001"
        },
        "schema_version": 1,
        "started_at": "2026-11-21T04:00:00Z",
        "statepoint": {
          "b": 12345678901234567890,
          "code_commit": "abc",
          "code_dirty": true,
          "lr": 1.0
        },
        "status": "failed",
        "summary_metrics": {
          "loss": 1.0,
          "note": "short",
          "ok": true
        },
        "tracker": {
          "backend": "wandb",
          "url": "https://x"
        },
        "wallclock_s": 10.0
      }
      "
    `);
    expect(isLedgerEntry(toPlain(entry))).toBe(true);
  });

  it("has no entry for a run that is not finished", () => {
    for (const document of ["{}", '{"status": "running"}', '{"status": "done"}']) {
      expect(() => project(document)).toThrow("not projected");
    }
  });

  it("leaves out every optional key that the document lacks", () => {
    expect([...project('{"status": "stopped"}').keys()].toSorted()).toEqual([
      "code_commit",
      "code_dirty",
      "job_id",
      "promoted_at",
      "registered_machine",
      "schema_version",
      "statepoint",
      "status",
    ]);
  });

  it("keeps outcomes of other machines and keys of others, and drops what is gone", () => {
    const existing = parseExactObject('{"exit_code": 1, "other_attempts": [{"status": "failed"}], "x_note": 1.0}');
    const kept = keepForeignKeys(project('{"status": "complete"}'), existing);

    expect(kept.has("exit_code")).toBe(false);
    expect(kept.get("other_attempts")).toBe(existing.get("other_attempts"));
    expect(kept.get("x_note")).toMatchObject({ text: "1.0" });
    expect(isSameEntry(kept, new Map([...kept, ["promoted_at", "2027-01-01T00:00:00Z"]]))).toBe(true);
    expect(isSameEntry(kept, new Map([...kept, ["status", "failed"]]))).toBe(false);
  });

  it("names the first number that JSON lacks", () => {
    expect(findUnrepresentable(parseExactObject('{"a": [1, {"b": -Infinity}]}'), "sp")).toEqual([
      "sp.a.1.b",
      "-Infinity",
    ]);
    expect(findUnrepresentable(parseExactObject('{"a": 1e400}'), "sp")).toEqual(["sp.a", "Infinity"]);
    expect(findUnrepresentable(STATE_POINT, "sp")).toBeUndefined();
  });
});

describe("reading an entry", () => {
  const text = toSortedPrettyJson(project('{"status": "complete"}'));
  const file = `${toJobId(STATE_POINT)}.json`;

  it("keeps the texts of numbers in the state point", () => {
    const read = parseLedgerEntry(file, text.replaceAll("\n", "\r\n"));
    if (read.kind !== "entry") throw new Error(read.problem);
    expect(toJobId(read.record.statePoint)).toBe(read.record.jobId);
    expect(read.record.entry.status).toBe("complete");
  });

  it("names a run by its file", () => {
    expect(parseLedgerEntry(`${"0".repeat(32)}.json`, text)).toMatchObject({ record: { jobId: "0".repeat(32) } });
    expect(parseLedgerEntry("incoming", text)).toMatchObject({ record: { jobId: toJobId(STATE_POINT) } });
  });

  it.each([
    ["", "not_json", "expected a value at line 1"],
    ["{", "not_json", "at line 1, column 2"],
    [`<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> other\n`, "conflict_markers", "conflict markers"],
    ["[]", "not_schema", "must be object"],
    ['{"schema_version": 2}', "not_schema", "required property"],
    [text.replace('"complete"', '"done"'), "not_schema", "status: must be equal to one of"],
    [text.replace('"lr": 1.0', `"lr": ${"[".repeat(600)}${"]".repeat(600)}`), "not_json", "nesting deeper"],
  ])("finds %j… malformed", (source, cause, problem) => {
    const read = parseLedgerEntry(file, source);
    expect(read).toMatchObject({ kind: "malformed", cause, file });
    expect(read.kind === "malformed" ? read.problem : "").toContain(problem);
  });
});
