import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { toPythonJson } from "../../src/model/exact-json.ts";
import { parseExactObject } from "../../src/model/exact-json-reader.ts";
import { FsRunStore } from "../../src/run/fs/fs-run-store.ts";
import { type JobId, parseJobId } from "../../src/run/job-id.ts";
import { createRun, sampleProject } from "../helpers/run-factory.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const FIXTURES = join(import.meta.dirname, "..", "fixtures", "signac");
const VECTORS = readFileSync(join(FIXTURES, "signac-vectors.jsonl"), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line): { statepoint: string; id: string } => JSON.parse(line));

async function newStore(): Promise<FsRunStore> {
  const store = new FsRunStore(join(tempDir(), ".runs"));
  await store.initialize();
  return store;
}

function fileOf(store: FsRunStore, jobId: JobId, name: "statepoint" | "job_document"): string {
  return join(store.workspaceOf(jobId), `signac_${name}.json`);
}

function refuse(): never {
  throw new Error("no");
}

describe("the run store", () => {
  it("names and writes every run of the vectors as real signac does", async () => {
    expect(VECTORS.length).toBeGreaterThan(200);
    const stores = [await newStore(), await newStore(), await newStore(), await newStore()];
    for (const { statepoint, id } of VECTORS) {
      // Some vectors are one run with its keys in another order; the first to come decides the order in a store.
      const store = stores.find((candidate) => !candidate.has(parseJobId(id)));
      if (store === undefined) throw new Error(`${id} occurs more often than there are stores`);
      const jobId = await createRun(store, statepoint, {});
      expect(jobId).toBe(id);
      expect(readFileSync(fileOf(store, jobId, "statepoint"), "utf8")).toBe(statepoint);
    }
    const runs = stores.flatMap((store) => [...store.readAll()].filter((read) => read.kind === "run"));
    expect(runs).toHaveLength(VECTORS.length);
  });

  it("reads the sample project exactly", () => {
    const expected: { jobs: Record<string, { statepoint: string; document: string | null }> } = JSON.parse(
      readFileSync(join(FIXTURES, "signac-project-expected.json"), "utf8"),
    );
    const store = new FsRunStore(sampleProject());

    expect(store.exists()).toBe(true);
    expect(store.listJobIds()).toEqual(Object.keys(expected.jobs).toSorted());
    for (const jobId of store.listJobIds()) {
      const { statePoint, document } = store.readExact(jobId);
      expect(toPythonJson(statePoint)).toBe(expected.jobs[jobId]?.statepoint);
      expect(toPythonJson(document)).toBe(expected.jobs[jobId]?.document ?? "{}");
    }
    expect([...store.readAll()].every((read) => read.kind === "run")).toBe(true);
  });

  it("makes the files that signac makes, and finds the newest run", async () => {
    const store = await newStore();

    const first = await createRun(store, '{"b": 1, "10": 2.0, "é": "x"}', { status: "created" });
    const again = await store.create(parseExactObject('{"10": 2.0, "b": 1, "é": "x"}'), { status: "failed" });
    utimesSync(fileOf(store, first, "statepoint"), 1, 1);
    const second = await createRun(store, '{"b": 2}', {});

    expect(readFileSync(join(store.path, ".signac", "config"), "utf8")).toBe("schema_version = 2\n");
    expect(readFileSync(fileOf(store, first, "statepoint"), "utf8")).toBe('{"b": 1, "10": 2.0, "\\u00e9": "x"}');
    expect(readFileSync(fileOf(store, first, "job_document"), "utf8")).toBe('{"status": "created"}');
    expect(again).toEqual({ jobId: first, isNew: false });
    expect(store.newestJobId()).toBe(second);
    expect(readdirSync(join(store.path, "workspace")).toSorted()).toEqual([first, second].toSorted());
  });

  it.each(["schema_version = 2", 'schema_version="2" # ok\r\n', "\ufeffname = x\nschema_version = 2\n[a]\nb = 1"])(
    "accepts the configuration %j",
    async (text) => {
      const store = await newStore();
      writeFileSync(join(store.path, ".signac", "config"), text);
      expect(store.exists()).toBe(true);
    },
  );

  it.each(["", "schema_version = 1", "[a]\nschema_version = 2", "schema_version = 3"])(
    "refuses the configuration %j",
    async (text) => {
      const store = await newStore();
      writeFileSync(join(store.path, ".signac", "config"), text);
      expect(() => store.exists()).toThrow(expect.objectContaining({ code: "store.unsupported" }));
    },
  );

  it("refuses what signac refuses, before it makes a folder", async () => {
    const store = await newStore();
    for (const statePoint of ['{"a.b": 1}', '{"a": [{"b.c": 1}]}']) {
      await expect(createRun(store, statePoint)).rejects.toMatchObject({ code: "state_point.invalid" });
    }
    expect(readdirSync(join(store.path, "workspace"))).toEqual([]);
  });

  it("heals an empty folder and one without a state point, and sweeps old temporary folders", async () => {
    const store = await newStore();
    const statePoint = parseExactObject('{"a": 1}');
    const jobId = parseJobId("42b7b4f2921788ea14dac5566e6f06d0");
    const workspace = join(store.path, "workspace");
    mkdirSync(join(workspace, jobId));
    const old = join(workspace, ".tmp-00000000-0000-0000-0000-000000000000");
    mkdirSync(old);
    utimesSync(old, 1, 1);

    expect(await store.create(statePoint, { status: "created" })).toEqual({ jobId, isNew: true });
    expect(existsSync(old)).toBe(false);
    renameSync(fileOf(store, jobId, "statepoint"), join(workspace, "aside"));
    expect(await store.create(statePoint, { status: "queued" })).toEqual({ jobId, isNew: true });

    expect(store.read(jobId)).toMatchObject({ jobId, document: { facts: { status: "created" } } });
  });

  it("keeps keys, order and number texts of other writers", async () => {
    const store = await newStore();
    const jobId = await createRun(store, '{"a": 1}', {});
    writeFileSync(
      fileOf(store, jobId, "job_document"),
      '{"z": 1.0, "status": "created", "big": 12345678901234567890, "n": NaN}',
    );

    const after = await store.updateDocument(jobId, ({ facts }) => {
      expect(facts.status).toBe("created");
      return { status: "running", z: undefined, summary_metrics: { "val.loss": 0.5 } };
    });

    expect(after.facts.status).toBe("running");
    expect(readFileSync(fileOf(store, jobId, "job_document"), "utf8")).toBe(
      '{"status": "running", "big": 12345678901234567890, "n": NaN, "summary_metrics": {"val/loss": 0.5}}',
    );
    expect(await store.updateDocument(jobId, () => undefined)).toMatchObject({ statusText: "running" });
    // Only what the locks of this process are further names of stays.
    const left = readdirSync(join(store.path, ".aexp", "locks"));
    expect(left.filter((name) => !name.startsWith(".anchor-"))).toEqual([]);
  });

  it("writes nothing when the change throws", async () => {
    const store = await newStore();
    const jobId = await createRun(store, '{"a": 1}', { status: "created" });
    await expect(store.updateDocument(jobId, refuse)).rejects.toThrow("no");
    expect(readFileSync(fileOf(store, jobId, "job_document"), "utf8")).toBe('{"status": "created"}');
  });

  it("lists what cannot be read, with a sentence, and goes on", async () => {
    const store = await newStore();
    const break_ = async (
      seed: number,
      name: "statepoint" | "job_document",
      bytes: string | Buffer,
    ): Promise<JobId> => {
      const jobId = await createRun(store, `{"seed": ${seed}}`, {});
      writeFileSync(fileOf(store, jobId, name), bytes);
      return jobId;
    };
    const problems = new Map([
      [await break_(1, "statepoint", "[1]"), "holds an array; expected an object"],
      [await break_(2, "statepoint", Buffer.from([0x22, 0xff, 0x22])), "is not UTF-8 text"],
      [await break_(3, "job_document", "{"), "not JSON"],
      [await break_(4, "job_document", "[]"), "not an object"],
      [await break_(5, "job_document", Buffer.alloc(50 * 1024 * 1024, 0x20)), "larger than 16 MiB"],
      [await break_(6, "job_document", `{"a": ${"[".repeat(100_000)}`), "not JSON"],
    ]);
    const missing = await createRun(store, '{"seed": 7}', {});
    renameSync(fileOf(store, missing, "statepoint"), `${fileOf(store, missing, "statepoint")}~`);
    problems.set(missing, "the file is missing");
    const good = await createRun(store, '{"seed": 8}', { status: "created" });
    const workspace = join(store.path, "workspace");
    symlinkSync(store.workspaceOf(good), join(workspace, "a".repeat(32)));
    mkdirSync(join(workspace, `${good}~`));
    writeFileSync(join(workspace, "b".repeat(32)), "");
    writeFileSync(join(store.workspaceOf(good), "._0_signac_job_document.json"), "{");

    const reads = [...store.readAll()];

    expect(reads.filter((read) => read.kind === "run").map(({ run }) => run.jobId)).toEqual([good]);
    expect(reads).toHaveLength(8);
    const unreadable = reads.filter((read) => read.kind === "unreadable");
    expect(unreadable).toHaveLength(problems.size);
    for (const { jobId, problem } of unreadable) expect(problem).toContain(problems.get(jobId));
    expect(store.has(parseJobId("a".repeat(32)))).toBe(false);
    expect(() => store.read(missing)).toThrow(expect.objectContaining({ code: "run.corrupt" }));
    await expect(createRun(store, '{"seed": 8}')).resolves.toBe(good);
  });

  it("does not wait for a pipe in place of a file", async () => {
    const store = await newStore();
    const jobId = await createRun(store, '{"a": 1}', {});
    renameSync(fileOf(store, jobId, "job_document"), join(store.path, "aside"));
    execFileSync("mkfifo", [fileOf(store, jobId, "job_document")]);
    expect(() => store.read(jobId)).toThrow(expect.objectContaining({ code: "run.document_unreadable" }));
  });

  it("keeps hostile keys as keys", async () => {
    const store = await newStore();
    const jobId = await createRun(
      store,
      '{"__proto__": {"polluted": 1}, "\\u001b[31m": "\\u0000", "constructor": 1}',
      {},
    );
    writeFileSync(fileOf(store, jobId, "job_document"), '{"__proto__": {"status": "complete"}, "status": "sideways"}');

    const { document } = store.read(jobId);

    expect(document).toMatchObject({ facts: {}, statusText: "sideways" });
    expect(document.facts.status).toBeUndefined();
    expect(Object.prototype).not.toHaveProperty("polluted");
    await store.updateDocument(jobId, () => ({ status: "created" }));
    expect(readFileSync(fileOf(store, jobId, "job_document"), "utf8")).toBe(
      '{"__proto__": {"status": "complete"}, "status": "created"}',
    );
  });

  it("says that a run is not there", async () => {
    const store = await newStore();
    const jobId = parseJobId("0".repeat(32));
    expect(() => store.read(jobId)).toThrow(expect.objectContaining({ code: "run.not_found" }));
    await expect(store.updateDocument(jobId, () => ({}))).rejects.toMatchObject({ code: "run.not_found" });
    expect(new FsRunStore("/nowhere/at/all").listJobIds()).toEqual([]);
    expect(() => parseJobId("../../x")).toThrow(expect.objectContaining({ code: "job_id.invalid" }));
  });
});
