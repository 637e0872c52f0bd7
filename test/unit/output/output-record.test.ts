import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { outputFolder, outputPathProblem, outputRecordFile } from "../../../src/output/declaration.ts";
import { fromAttemptOutputs, toAttemptOutputs } from "../../../src/output/output-record.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const STATS = `stat:${"b".repeat(64)}`;
const FACTS = { digest: DIGEST, bytes: 3, files: 1, stats: STATS };
const OUTPUT = {
  name: "model",
  path: "outputs/2/model",
  kind: "file",
  ...FACTS,
  checkedAt: "2026-01-02T03:04:05Z",
};
const STREAM = {
  ...OUTPUT,
  name: "steps",
  path: "outputs/2/steps",
  items: [{ item: "1", path: "outputs/2/steps/1", ...FACTS }],
  left: ["latest"],
};

describe("toAttemptOutputs", () => {
  it("reads what fromAttemptOutputs gives", () => {
    const value: unknown = JSON.parse(JSON.stringify({ schema_version: 1, attempt: 2, outputs: [OUTPUT, STREAM] }));
    const read = toAttemptOutputs(value, 2);

    expect(read).toEqual({ kind: "valid", value: { attempt: 2, outputs: [OUTPUT, STREAM] } });
    expect(read.kind === "valid" ? fromAttemptOutputs(read.value) : undefined).toEqual(value);
  });

  it.each([
    ["leaves the run", { ...OUTPUT, path: "outputs/2/../../../x" }],
    ["is absolute", { ...OUTPUT, path: "/outputs/2/model" }],
    ["is that of another attempt", { ...OUTPUT, path: "outputs/1/model" }],
    ["is the whole folder of the attempt", { ...OUTPUT, path: "outputs/2/" }],
    ["has a path with a NUL", { ...OUTPUT, path: "outputs/2/a\0b" }],
    ["has no digest", { ...OUTPUT, digest: "sha256:" }],
    ["has no stats", { ...OUTPUT, stats: 1 }],
    ["has a size that is no number", { ...OUTPUT, bytes: "3" }],
    ["has a size that is none", { ...OUTPUT, bytes: -1 }],
    ["has a name with a line break", { ...OUTPUT, name: "a\nb" }],
    ["has no name", { ...OUTPUT, name: "" }],
    ["was checked at no time", { ...OUTPUT, checkedAt: "soon" }],
    ["is no object", "model"],
    ["leaves something out without being a stream", { ...OUTPUT, left: [] }],
    ["has items that are no list", { ...STREAM, items: {} }],
    ["has an item elsewhere", { ...STREAM, items: [{ item: "1", path: "outputs/2/other/1", ...FACTS }] }],
    ["has an item in an item", { ...STREAM, items: [{ item: "1/2", path: "outputs/2/steps/1/2", ...FACTS }] }],
    ["has an item above", { ...STREAM, items: [{ item: "..", path: "outputs/2/steps/..", ...FACTS }] }],
    ["leaves out what is no name", { ...STREAM, left: [1] }],
  ])("refuses an output that %s", (_, output) => {
    const read = toAttemptOutputs({ schema_version: 1, attempt: 2, outputs: [output] }, 2);

    expect(read).toEqual({ kind: "invalid", problem: "its output 1 has another shape" });
  });

  it.each([
    ["no object", null],
    ["of another version", { schema_version: 2, attempt: 2, outputs: [] }],
    ["of another attempt", { schema_version: 1, attempt: 1, outputs: [] }],
    ["with two outputs of one name", { schema_version: 1, attempt: 2, outputs: [OUTPUT, OUTPUT] }],
  ])("refuses a record that is %s", (_, value) => {
    expect(toAttemptOutputs(value, 2)).toMatchObject({ kind: "invalid" });
  });

  it("reads or refuses any JSON, and what it reads is below the attempt's folder", () => {
    fc.assert(
      fc.property(fc.jsonValue(), anyPath(), (value, path) => {
        expect(["valid", "invalid"]).toContain(toAttemptOutputs(value, 2).kind);
        const full = `outputs/2/${path}`;
        const read = toAttemptOutputs({ schema_version: 1, attempt: 2, outputs: [{ ...OUTPUT, path: full }] }, 2);
        expect(read.kind === "valid").toBe(new URL(`file:///run/${full}`).pathname === `/run/${full}`);
      }),
    );
  });
});

describe("outputPathProblem", () => {
  it.each(["a", "a/b.c", "..a", "a..", "a b\n", "é", "-", "..."])("accepts %j", (path) => {
    expect(outputPathProblem(path)).toBeUndefined();
  });

  it.each([
    ["", "is empty"],
    ["/a", "is not relative"],
    ["a\0", "holds a NUL"],
    ["..", "leads out"],
    ["a/../b", "leads out"],
    ["a/..", "leads out"],
    [".", "empty part"],
    ["./a", "empty part"],
    ["a//b", "empty part"],
    ["a/", "empty part"],
  ])("refuses %j, because it %s", (path, problem) => {
    expect(outputPathProblem(path)).toContain(problem);
  });

  it("belongs to places below the run's folder", () => {
    expect([outputFolder(3), outputRecordFile(3)]).toEqual(["outputs/3", "outputs/3.json"]);
  });
});

/** Of parts that a URL resolves as a file system does; a single file, because a URL keeps empty parts. */
function anyPath(): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom("a", "b", "..", "."), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
}
