import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { toPlain, toPythonJson } from "../../src/model/exact-json.ts";
import { parseExactObject } from "../../src/model/exact-json-reader.ts";
import type { JsonValue } from "../../src/model/json.ts";
import { FsRunStore } from "../../src/run/fs/fs-run-store.ts";
import { parseJobId } from "../../src/run/job-id.ts";
import { matchesFilter, parseRunFilter } from "../../src/run/run-filter.ts";
import { sampleProject } from "../helpers/run-factory.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const AWKWARD = [
  '{"lr": 1}',
  '{"lr": 1.0}',
  '{"lr": true}',
  '{"lr": "1"}',
  '{"lr": 1e-05, "eps": 1e-08, "big": 1e+16, "huge": 1e+22, "tiny": 5e-324, "sum": 0.30000000000000004}',
  '{"zero": 0.0, "minus": -0.0, "int": 0}',
  '{"n": 12345678901234567890123456789, "m": -9007199254740993}',
  '{"b": 1, "10": 2, "a": {"z": [1, 2.0, null], "y": {}}}',
  '{"name": "h\\u00e9llo \\ud83d\\ude00 \\u007f", "\\ud83d\\ude00": 1, "\\uffff": 2}',
  '{"__proto__": {"x": 1}, "constructor": 2}',
  '{"nan": NaN, "inf": Infinity, "ninf": -Infinity}',
  '{"": "empty key", "/": "\\u0000\\u001b", "$x": []}',
  "{}",
];

function signac(request: Record<string, JsonValue>): unknown {
  const python = process.env["SIGNAC_PYTHON"];
  if (python === undefined) throw new Error("run these checks with `npm run test:interop`");
  const output = execFileSync(python, ["-W", "ignore", join(import.meta.dirname, "signac_side.py")], {
    input: JSON.stringify(request),
    encoding: "utf8",
    stdio: ["pipe", "pipe", "inherit"],
  });
  return JSON.parse(output);
}

function dumpOf(store: FsRunStore): unknown {
  return Object.fromEntries(
    store.listJobIds().map((jobId) => {
      const { statePoint, document } = store.readExact(jobId);
      return [jobId, { statepoint: toPythonJson(statePoint), document: toPythonJson(document) }];
    }),
  );
}

describe("real signac", () => {
  const folder = mkdtempSync(join(tmpdir(), "aexp-interop-"));
  const store = new FsRunStore(join(folder, ".runs"));
  beforeAll(async () => {
    await store.initialize();
    for (const [index, text] of AWKWARD.entries()) {
      await store.create(parseExactObject(text), { status: "created", index, metrics: { loss: index / 8 } });
    }
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it(`reads ${AWKWARD.length} runs that aexp wrote: ids, state points, documents`, () => {
    expect(signac({ do: "dump", path: store.path })).toEqual(dumpOf(store));
  });

  it.each<{ [key: string]: JsonValue }>([
    { lr: 1 },
    { lr: "1" },
    { "doc.status": "created" },
    { "doc.index": { $lt: 4 } },
    { "doc.metrics.loss": { $gte: 0.5 }, b: 1 },
    { "a.z": [1, 2, null] },
    { $or: [{ zero: 0 }, { int: 0 }, { name: { $regex: "^h" } }] },
    { lr: { $exists: true } },
    { lr: { $type: "str" } },
    { eps: { $near: 1e-8 } },
    { b: { $in: [1, 2] } },
    { $not: { lr: { $exists: true } } },
  ])("finds the same runs as aexp by %j", (filter) => {
    const parsed = parseRunFilter(filter);
    const ours = store.listJobIds().filter((jobId) => {
      const { statePoint, document } = store.readExact(jobId);
      return matchesFilter(parsed, { statePoint, document: toPlain(document) });
    });
    expect(ours.length).toBeGreaterThan(0);
    expect(signac({ do: "find", path: store.path, filter })).toEqual(ours);
  });

  it(`writes ${AWKWARD.length} runs that aexp reads, byte for byte as aexp writes them`, async () => {
    const theirs = new FsRunStore(join(tempDir(), "theirs"));
    const document = '{"z": 1.0, "status": "complete", "n": [1, 2.5, 12345678901234567890], "text": "\\u00e9"}';
    const ids = signac({ do: "create", path: theirs.path, runs: AWKWARD.map((text) => [text, document]) });

    expect(theirs.exists()).toBe(true);
    expect(new Set(theirs.listJobIds())).toEqual(new Set(Array.isArray(ids) ? ids : []));
    for (const text of AWKWARD) {
      const { jobId, isNew } = await theirs.create(parseExactObject(text), {});
      expect(isNew).toBe(false);
      const file = (at: FsRunStore): string =>
        readFileSync(join(at.workspaceOf(jobId), "signac_statepoint.json"), "utf8");
      expect(file(theirs)).toBe(file(store));
      expect(toPythonJson(theirs.readExactDocument(jobId))).toBe(document);
      expect(theirs.read(jobId).document.facts.status).toBe("complete");
    }
  });

  it("and aexp change one document in turn, and neither loses a key or a kind", async () => {
    const { jobId } = await store.create(parseExactObject('{"turns": 1}'), { first: 1 });
    const set = (key: string, value: string): unknown => signac({ do: "set", path: store.path, id: jobId, key, value });

    for (const [key, value] of Object.entries({ a: "1.0", b: "12345678901234567890", c: "NaN", d: '{"é": [1e-05]}' })) {
      set(key, value);
      await store.updateDocument(parseJobId(jobId), () => ({ [`after_${key}`]: 0.5, first: undefined }));
    }

    const text = set("e", "null");
    expect(text).toBe(
      '{"a": 1.0, "after_a": 0.5, "b": 12345678901234567890, "after_b": 0.5, "c": NaN, "after_c": 0.5, ' +
        '"d": {"\\u00e9": [1e-05]}, "after_d": 0.5, "e": null}',
    );
    expect(toPythonJson(store.readExactDocument(jobId))).toBe(text);
  });

  it("reads the sample project as aexp does, and aexp ignores its cache", () => {
    const sample = new FsRunStore(sampleProject());
    signac({ do: "update_cache", path: sample.path });
    expect(signac({ do: "dump", path: sample.path })).toEqual(dumpOf(sample));
  });
});
