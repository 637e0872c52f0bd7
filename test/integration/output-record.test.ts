import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

import type { OutputDeclaration } from "../../src/output/declaration.ts";
import { fsOutputStore } from "../../src/output/fs/fs-output-store.ts";
import { hashTree } from "../../src/output/fs/hash-tree.ts";
import { recordOutputs, recordStreamItems } from "../../src/output/fs/record-outputs.ts";
import type { OutputRecord } from "../../src/output/output-record.ts";
import { startNode } from "../helpers/node-process.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const CLOCK = { nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5), monotonicMs: () => 0 };
const OPTIONS = { clock: CLOCK, threads: 0 };
const FILE: OutputDeclaration = { name: "table", path: "table.csv", kind: "file", stream: false, hash: "content" };
const MODEL: OutputDeclaration = { ...FILE, name: "model", path: "sub/model", kind: "model", marker: "DONE" };
const STEPS: OutputDeclaration = { ...FILE, name: "steps", path: "steps", kind: "checkpoint", stream: true };

describe("recording outputs", () => {
  it("writes name, place, digest and size of each, relative to the run", async () => {
    const run = newRun({ "table.csv": "a,b\n", "sub/model/weights": "12345", "sub/model/DONE": "" });

    const end = await recordOutputs(run, 1, [FILE, MODEL], OPTIONS);

    const table = await hashTree(join(run, "outputs/1/table.csv"));
    const model = await hashTree(join(run, "outputs/1/sub/model"));
    const checkedAt = "2026-01-02T03:04:05Z";
    const outputs = [
      { name: "table", path: "outputs/1/table.csv", kind: "file", ...table, checkedAt },
      { name: "model", path: "outputs/1/sub/model", kind: "model", ...model, checkedAt },
    ];
    expect(end).toEqual({ state: "recorded", outputs });
    expect(model).toMatchObject({ bytes: 5, files: 2 });
    expect(readJson(run, "outputs/1.json")).toEqual({ schema_version: 1, attempt: 1, outputs });
    expect(fsOutputStore.read(run, 1)).toEqual({ state: "recorded", record: { attempt: 1, outputs } });
    expect(readdirSync(join(run, "outputs")).toSorted()).toEqual(["1", "1.json"]);
  });

  it("gives the same when called again, and reads again only what has changed", async () => {
    const run = newRun({ "table.csv": "a,b\n" });
    const first = await recordOutputs(run, 1, [FILE], OPTIONS);
    const reads: number[] = [];
    const again = {
      threads: 0,
      clock: { ...CLOCK, nowMs: () => CLOCK.nowMs() + 60_000 },
      onProgress: ({ bytes }: { readonly bytes: number }) => void reads.push(bytes),
    };

    expect(await recordOutputs(run, 1, [FILE], again)).toEqual(first);
    expect(reads).toEqual([]);
    appendFileSync(join(run, "outputs/1/table.csv"), "1,2\n");
    expect(await recordOutputs(run, 1, [FILE], again)).toMatchObject({
      outputs: [{ bytes: 8, checkedAt: "2026-01-02T03:05:05Z" }],
    });
    expect(reads).not.toEqual([]);
  });

  it("takes no digest of stats for one of content, nor the other way round", async () => {
    const run = newRun({ "table.csv": "a,b\n" });
    const ofStats: OutputDeclaration = { ...FILE, hash: "stat" };
    const [stats, content, again] = [
      await recordOutputs(run, 1, [ofStats], OPTIONS),
      await recordOutputs(run, 1, [FILE], OPTIONS),
      await recordOutputs(run, 1, [ofStats], OPTIONS),
    ];

    expect(stats).toMatchObject({ outputs: [{ digest: expect.stringMatching(/^stat:/) }] });
    expect(content).toMatchObject({ outputs: [{ digest: expect.stringMatching(/^sha256:/) }] });
    expect(again).toEqual(stats);
  });

  it("keeps the attempts of a run apart", async () => {
    const run = newRun({ "table.csv": "first" });
    writeTree(join(run, "outputs/2"), { "table.csv": "second" });
    await recordOutputs(run, 2, [FILE], OPTIONS);
    await recordOutputs(run, 1, [FILE], OPTIONS);

    const [first, second] = [recordOf(run, 1, "table"), recordOf(run, 2, "table")];

    expect([first.bytes, second.bytes]).toEqual([5, 6]);
    expect(second.path).toBe("outputs/2/table.csv");
  });

  it.each([
    ["is not there", {}, "table", "outputs/1/table.csv"],
    ["has no marker", { "table.csv": "x", "sub/model/weights": "x" }, "model", "outputs/1/sub/model/DONE"],
    ["is below a file", { "table.csv": "x", sub: "x" }, "model", "outputs/1/sub/model"],
    [
      "is a single file without a marker beside it",
      { "table.csv": "x", "sub/model": "x" },
      "model",
      "outputs/1/sub/DONE",
    ],
  ])("records nothing when one %s", async (_, files, name, path) => {
    const run = newRun(files);

    expect(await recordOutputs(run, 1, [FILE, MODEL], OPTIONS)).toEqual({ state: "missing", name, path });
    expect(existsSync(join(run, "outputs/1.json"))).toBe(false);
  });

  it("accepts a marker beside a single file", async () => {
    const run = newRun({ "sub/model": "x", "sub/DONE": "" });

    expect(await recordOutputs(run, 1, [MODEL], OPTIONS)).toMatchObject({ state: "recorded" });
  });

  it("refuses a link in place of an output or of a folder on the way, and one that leads out of it", async () => {
    const run = newRun({ "elsewhere/model/DONE": "", "table.csv": "x" });
    const outputs = join(run, "outputs/1");
    symlinkSync("elsewhere", join(outputs, "sub"));
    expect(await recordOutputs(run, 1, [FILE, MODEL], OPTIONS)).toMatchObject({ state: "invalid", name: "model" });

    rmSync(join(outputs, "sub"));
    mkdirSync(join(outputs, "sub"));
    symlinkSync("../elsewhere/model", join(outputs, "sub/model"));
    expect(await recordOutputs(run, 1, [MODEL], OPTIONS)).toMatchObject({ state: "invalid", name: "model" });

    rmSync(join(outputs, "sub/model"));
    writeTree(outputs, { "sub/model/DONE": "" });
    symlinkSync("/etc/passwd", join(outputs, "sub/model/users"));
    expect(await recordOutputs(run, 1, [MODEL], OPTIONS)).toEqual({
      state: "invalid",
      name: "model",
      message: `"${outputs}/sub/model/users" is a link to "/etc/passwd", which is outside of "${outputs}/sub/model"`,
    });
    expect(existsSync(join(run, "outputs/1.json"))).toBe(false);
  });

  it("writes no record through a link", async () => {
    const [run, elsewhere] = [tempDir(), tempDir()];
    symlinkSync(elsewhere, join(run, "outputs"));

    await expect(recordOutputs(run, 1, [], OPTIONS)).rejects.toThrow(
      expect.objectContaining({ code: "output.link_outside" }),
    );
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it("reads a file that is written meanwhile twice, and then refuses it", async () => {
    const run = newRun({ "table.csv": "a,b\n" });
    const path = join(run, "outputs/1/table.csv");
    let writes = 0;
    const write = (times: number) => () => {
      if (writes++ < times) appendFileSync(path, "1,2\n");
    };

    expect(await recordOutputs(run, 1, [FILE], { ...OPTIONS, onProgress: write(1) })).toMatchObject({
      state: "recorded",
      outputs: [{ bytes: 8 }],
    });
    expect(writes).toBe(2);
    appendFileSync(path, "3,4\n");
    expect(await recordOutputs(run, 1, [FILE], { ...OPTIONS, onProgress: write(Infinity) })).toEqual({
      state: "invalid",
      name: "table",
      message: `"${path}" changed while its digest was computed, twice`,
    });
  });

  it("leaves no record, or a whole one, when it is killed", async () => {
    const content = Buffer.alloc(1024 * 1024, "x");
    for (const [stopAt, state] of [
      ["1", "none"],
      ["4", "none"],
      ["never", "recorded"],
    ] as const) {
      const run = newRun({ "model/1": content, "model/2": content });
      const { child, printed, ended } = startNode("record-outputs.ts", [run, stopAt]);
      await waitUntil("the middle of the work", () => printed() === "waits\n");

      child.kill("SIGKILL");
      await ended;

      expect(fsOutputStore.read(run, 1).state).toBe(state);
      const declaration = { ...FILE, name: "model", path: "model" };
      const end = await recordOutputs(run, 1, [declaration], OPTIONS);
      const { digest } = await hashTree(join(run, "outputs/1/model"));
      expect(end).toMatchObject({ state: "recorded", outputs: [{ name: "model", digest, files: 2 }] });
    }
  });

  it("makes a record again that cannot be trusted", async () => {
    const run = newRun({ "table.csv": "a,b\n" });
    const right = await recordOutputs(run, 1, [FILE], OPTIONS);
    const text = readFileSync(join(run, "outputs/1.json"), "utf8");
    const broken = [
      text.slice(0, 40),
      "",
      text.replace("outputs/1/table.csv", "outputs/1/../2/x"),
      text.replace('"attempt": 1', '"attempt": 2'),
    ];

    for (const other of broken) {
      writeFileSync(join(run, "outputs/1.json"), other);
      expect(fsOutputStore.read(run, 1)).toMatchObject({ state: "unreadable" });
      expect(await recordOutputs(run, 1, [FILE], OPTIONS)).toEqual(right);
    }
  });
});

describe("a look at recorded outputs", () => {
  it("finds them present, changed or missing by sizes and times", async () => {
    const { run, record } = await recordedModel();
    const path = join(run, "outputs/1/sub/model");
    expect(await fsOutputStore.check(record, run)).toBe("present");

    renameSync(path, `${path}-away`);
    expect(await fsOutputStore.check(record, run)).toBe("missing");
    renameSync(`${path}-away`, path);
    expect(await fsOutputStore.check(record, run)).toBe("present");

    for (const change of [
      () => utimesSync(join(path, "weights"), 1, 1),
      () => writeFileSync(join(path, "more"), ""),
      () => rmSync(join(path, "weights")),
      () => symlinkSync("/etc", join(path, "out")),
    ]) {
      change();
      expect(await fsOutputStore.check(record, run)).toBe("changed");
    }
    rmSync(path, { recursive: true });
    symlinkSync("/etc", path);
    expect(await fsOutputStore.check(record, run)).toBe("changed");
  });

  it("finds by reading what sizes and times do not show", async () => {
    const { run, record } = await recordedModel();
    const path = join(run, "outputs/1/sub/model/weights");
    expect(await fsOutputStore.verify(record, run)).toEqual({ state: "same" });

    // Times are kept to the nanosecond by `touch`, as a program would that hides what it did.
    execFileSync("cp", ["--preserve=timestamps", path, `${path}-before`]);
    writeFileSync(path, "54321");
    execFileSync("touch", ["--reference", `${path}-before`, path]);
    rmSync(`${path}-before`);

    expect(await fsOutputStore.check(record, run)).toBe("present");
    expect(await fsOutputStore.verify(record, run)).toEqual({
      state: "changed",
      digest: (await hashTree(dirname(path))).digest,
    });
    rmSync(dirname(path), { recursive: true });
    expect(await fsOutputStore.verify(record, run)).toEqual({ state: "missing" });
    execFileSync("mkfifo", [dirname(path)]);
    expect(await fsOutputStore.verify(record, run)).toMatchObject({ state: "unreadable", message: /is a pipe/ });
  });

  it("knows outputs that were too large to be read by their sizes and times", async () => {
    const run = newRun({ "table.csv": "a,b\n" });
    await recordOutputs(run, 1, [{ ...FILE, hash: "stat" }], OPTIONS);
    const record = recordOf(run, 1, "table");

    expect(record.digest).toMatch(/^stat:/);
    expect(await fsOutputStore.verify(record, run)).toEqual({ state: "same" });
    utimesSync(join(run, record.path), 1, 1);
    expect(await fsOutputStore.check(record, run)).toBe("changed");
    expect(await fsOutputStore.verify(record, run)).toMatchObject({ state: "changed" });
  });
});

describe("a stream of items", () => {
  it("registers items in the order of their names as they appear, and reads each once", async () => {
    const run = newRun({ "steps/step-10/weights": "10", "steps/step-9": "9" });
    const reads: number[] = [];
    const options = { ...OPTIONS, onProgress: ({ bytes }: { readonly bytes: number }) => void reads.push(bytes) };

    const [first] = await recordStreamItems(run, 1, [FILE, STEPS], options);
    expect(first?.items).toMatchObject([
      { item: "step-10", path: "outputs/1/steps/step-10", bytes: 2, files: 1 },
      { item: "step-9", path: "outputs/1/steps/step-9", bytes: 1, files: 1 },
    ]);
    expect(reads.splice(0)).toHaveLength(2);

    writeTree(join(run, "outputs/1"), { "steps/step-11": "new", "steps/.hidden": "x" });
    symlinkSync("step-11", join(run, "outputs/1/steps/latest"));
    const [second] = await recordStreamItems(run, 1, [STEPS], options);
    expect(second?.items?.map(({ item }) => item)).toEqual(["step-10", "step-11", "step-9"]);
    expect(second?.left).toEqual(["latest"]);
    expect(reads.splice(0)).toHaveLength(1);

    const end = await recordOutputs(run, 1, [STEPS], options);
    expect(end).toEqual({ state: "recorded", outputs: [{ ...second, checkedAt: "2026-01-02T03:04:05Z" }] });
    expect(reads).toEqual([]);
    expect(second).toMatchObject({ bytes: 6, files: 3 });
    expect(readdirSync(join(run, "outputs")).toSorted()).toEqual(["1", "1.json"]);
  });

  it("leaves an item for later that has no marker, or is being written", async () => {
    const run = newRun({ "steps/a/weights": "a", "steps/b/weights": "b", "steps/b/DONE": "", "steps/c": "c" });
    const marked = { ...STEPS, marker: "DONE" };
    const write = () => appendFileSync(join(run, "outputs/1/steps/c"), "more");

    const [withMarkers] = await recordStreamItems(run, 1, [marked], OPTIONS);
    const [written] = await recordStreamItems(run, 1, [STEPS], { ...OPTIONS, onProgress: write });

    expect(withMarkers?.items).toMatchObject([{ item: "b" }]);
    expect(withMarkers?.left).toEqual(["a", "c"]);
    expect(written?.items?.map(({ item }) => item)).toEqual(["a", "b"]);
    expect(written?.left).toEqual(["c"]);
  });

  it("has a digest of its own, that of its items", async () => {
    const [left, right, other, none] = [
      newRun({ "steps/1": "1", "steps/2": "2", "steps/.hidden": "x" }),
      newRun({ "steps/2": "2", "steps/1": "1" }),
      newRun({ "steps/1": "2", "steps/2": "1" }),
      newRun({}),
    ];
    mkdirSync(join(none, "outputs/1/steps"), { recursive: true });

    const digests = [];
    for (const run of [left, right, other, none]) {
      await recordOutputs(run, 1, [STEPS], OPTIONS);
      digests.push(recordOf(run, 1, "steps").digest);
    }

    expect(digests[1]).toBe(digests[0]);
    expect(new Set(digests).size).toBe(3);
    expect(recordOf(none, 1, "steps")).toMatchObject({ items: [], bytes: 0, files: 0 });
  });

  it("is looked at item by item, and a new one is a change", async () => {
    const run = newRun({ "steps/1": "1", "steps/2/x": "2" });
    const steps = join(run, "outputs/1/steps");
    symlinkSync("1", join(steps, "latest"));
    await recordOutputs(run, 1, [STEPS], OPTIONS);
    const record = recordOf(run, 1, "steps");
    expect(await fsOutputStore.check(record, run)).toBe("present");
    expect(await fsOutputStore.verify(record, run)).toEqual({ state: "same" });

    writeFileSync(join(steps, "3"), "3");
    expect(await fsOutputStore.check(record, run)).toBe("changed");
    rmSync(join(steps, "3"));
    expect(await fsOutputStore.check(record, run)).toBe("present");

    appendFileSync(join(steps, "2/x"), "more");
    rmSync(join(steps, "1"));
    expect(await fsOutputStore.check(record, run)).toBe("changed");
    expect(await fsOutputStore.verify(record, run)).toMatchObject({ state: "changed", items: ["1", "2"] });
    rmSync(steps, { recursive: true });
    expect(await fsOutputStore.check(record, run)).toBe("missing");
  });

  it("has to be a folder with names in UTF-8", async () => {
    const run = newRun({ steps: "x" });
    expect(await recordOutputs(run, 1, [STEPS], OPTIONS)).toMatchObject({ state: "invalid", message: /is a stream/ });
    expect(await recordStreamItems(run, 1, [STEPS], OPTIONS)).toEqual([]);

    rmSync(join(run, "outputs/1/steps"));
    writeTree(join(run, "outputs/1"), { "steps/a": "a" });
    writeFileSync(Buffer.from(join(run, "outputs/1/steps/\u00ff"), "latin1"), "x");
    expect(await recordOutputs(run, 1, [STEPS], OPTIONS)).toMatchObject({ state: "invalid", message: /is not UTF-8/ });
    expect(await recordStreamItems(run, 1, [STEPS], OPTIONS)).toEqual([]);
  });
});

describe("what is kept on disk", () => {
  it("is listed by attempt and removed in one step, while the record stays", async () => {
    const { run, record } = await recordedModel();
    writeTree(join(run, "outputs/10"), { "undeclared/x": "1234" });

    expect(await fsOutputStore.list(tempDir())).toEqual([]);
    expect(await fsOutputStore.list(run)).toEqual([
      { attempt: 1, isKept: true, bytes: 5, files: 2 },
      { attempt: 10, isKept: true, bytes: 4, files: 1 },
    ]);
    await fsOutputStore.remove(run, 1);
    await fsOutputStore.remove(run, 1);

    expect(await fsOutputStore.list(run)).toEqual([
      { attempt: 1, isKept: false, bytes: 0, files: 0 },
      { attempt: 10, isKept: true, bytes: 4, files: 1 },
    ]);
    expect(readdirSync(join(run, "outputs")).toSorted()).toEqual(["1.json", "10"]);
    expect(recordOf(run, 1, "model")).toEqual(record);
    expect(await fsOutputStore.check(record, run)).toBe("missing");
  });

  it("takes along what a removal left that was killed, and follows no link", async () => {
    const run = newRun({ "table.csv": "x" });
    const elsewhere = tempDir();
    writeFileSync(join(elsewhere, "precious"), "x");
    writeTree(join(run, "outputs/.removed-3-1"), { x: "x" });
    symlinkSync(elsewhere, join(run, "outputs/1/link"));
    symlinkSync(elsewhere, join(run, "outputs/2"));

    await fsOutputStore.remove(run, 1);
    await expect(fsOutputStore.remove(run, 2)).rejects.toThrow(
      expect.objectContaining({ code: "output.link_outside" }),
    );

    expect(readdirSync(join(run, "outputs"))).toEqual(["2"]);
    expect(statSync(join(elsewhere, "precious")).size).toBe(1);
  });
});

/** The folder of a run whose first attempt has written these files. */
function newRun(files: Readonly<Record<string, string | Buffer>>): string {
  const run = tempDir();
  writeTree(join(run, "outputs/1"), files);
  return run;
}

function writeTree(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

async function recordedModel(): Promise<{ readonly run: string; readonly record: OutputRecord }> {
  const run = newRun({ "sub/model/weights": "12345", "sub/model/DONE": "" });
  await recordOutputs(run, 1, [MODEL], OPTIONS);
  return { run, record: recordOf(run, 1, "model") };
}

function recordOf(run: string, attempt: number, name: string): OutputRecord {
  const read = fsOutputStore.read(run, attempt);
  const found = read.state === "recorded" ? read.record.outputs.find((output) => output.name === name) : undefined;
  if (found === undefined) throw new Error(`no record of ${name}`);
  return found;
}

function readJson(run: string, path: string): unknown {
  return JSON.parse(readFileSync(join(run, path), "utf8"));
}
