import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import type { JobId } from "../../src/run/job-id.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { createRun, FINISHED, repoWithStore } from "../helpers/run-factory.ts";
import { tempDir } from "../helpers/temp-dir.ts";

function entryFile(root: string, jobId: JobId): string {
  return join(root, ".aexp", "ledger", `${jobId}.json`);
}

function readEntry(root: string, jobId: JobId): Record<string, unknown> {
  return JSON.parse(readFileSync(entryFile(root, jobId), "utf8"));
}

describe("aexp ledger promote", () => {
  it("writes an entry once, and then changes no byte", async () => {
    const { root, store } = await repoWithStore();
    const jobId = await createRun(store, '{"lr": 1.0}');

    expect(await runCli(root, ["ledger", "promote", jobId.slice(0, 6)])).toMatchObject({
      exitCode: 0,
      stdout: `${jobId} written\n`,
      stderr: "",
    });
    const text = readFileSync(entryFile(root, jobId), "utf8");
    utimesSync(entryFile(root, jobId), 1, 1);
    expect(await runCliJson(root, ["ledger", "promote", "@last"])).toEqual([{ run: jobId, outcome: "unchanged" }]);

    expect(text).toContain('"lr": 1.0');
    expect(readFileSync(entryFile(root, jobId), "utf8")).toBe(text);
    expect(statSync(entryFile(root, jobId)).mtimeMs).toBe(1000);
  });

  it("keeps the first machine's label, the keys of others, and changes what changed", async () => {
    const { root, store } = await repoWithStore();
    const jobId = await createRun(store, '{"a": 1}');
    await runCli(root, ["ledger", "promote", jobId, "--machine-label", "cluster"]);
    const other = [{ registered_machine: "gpu3", status: "failed" }];
    writeFileSync(entryFile(root, jobId), JSON.stringify({ ...readEntry(root, jobId), other_attempts: other, x: 1 }));
    await store.updateDocument(jobId, () => ({ summary_metrics: { loss: 0.5, curve: [1], nan: Number.NaN } }));

    expect((await runCli(root, ["ledger", "promote", jobId])).stdout).toBe(`${jobId} written\n`);

    expect(readEntry(root, jobId)).toMatchObject({
      registered_machine: "cluster",
      summary_metrics: { loss: 0.5 },
      other_attempts: other,
      x: 1,
    });
    await runCli(root, ["ledger", "promote", jobId, "--machine-label", "laptop"]);
    expect(readEntry(root, jobId)).toMatchObject({ registered_machine: "laptop" });
  });

  it("keeps both outcomes when another machine executed the same run", async () => {
    const { root, store } = await repoWithStore();
    const jobId = await createRun(store, '{"a": 1}', { ...FINISHED, status: "failed" });
    await runCli(root, ["ledger", "promote", jobId, "--machine-label", "cluster"]);
    await store.updateDocument(jobId, () => ({ status: "complete", ended_at: "2026-11-21T06:00:00Z" }));

    await runCli(root, ["ledger", "promote", jobId]);
    const entry = readEntry(root, jobId);
    expect(entry).toMatchObject({
      status: "complete",
      other_attempts: [{ registered_machine: "cluster", status: "failed", ended_at: "2026-11-21T04:10:00Z" }],
    });
    expect(entry["registered_machine"]).not.toBe("cluster");
    expect((await runCli(root, ["ledger", "promote", jobId])).stdout).toBe(`${jobId} unchanged\n`);

    await store.updateDocument(jobId, () => ({ status: "stopped", ended_at: "2026-11-21T03:00:00Z" }));
    writeFileSync(entryFile(root, jobId), JSON.stringify({ ...entry, registered_machine: "gpu3" }));
    await runCli(root, ["ledger", "promote", jobId]);
    expect(readEntry(root, jobId)).toMatchObject({ status: "complete", registered_machine: "gpu3" });
    expect(readEntry(root, jobId)["other_attempts"]).toHaveLength(2);
  });

  it.each([
    ['{"a": NaN}', FINISHED, "ledger.not_representable", "statepoint.a is NaN"],
    ['{"data": "HOME/data"}', FINISHED, "ledger.leaks_local_path", "statepoint.data begins with the home folder"],
    [
      '{"data": ["file://ROOT/x"]}',
      FINISHED,
      "ledger.leaks_local_path",
      "statepoint.data[0] begins with the repository",
    ],
    [
      '{"a": 1}',
      { ...FINISHED, tracker: { url: "https://me:hunter2@host" } },
      "ledger.leaks_credential",
      "tracker.url looks",
    ],
    ['{"who": "patient-7"}', FINISHED, "ledger.leaks_credential", "`redact` pattern"],
    ['{"a": 1}', { status: "running" }, "ledger.not_terminal", 'is "running", not finished'],
    ['{"a": 1}', {}, "ledger.not_terminal", "without a status"],
  ])("refuses %s %j", async (statePoint, document, code, message) => {
    const { root, store } = await repoWithStore();
    const home = tempDir();
    writeFileSync(join(root, "aexp.yaml"), "redact: ['^patient']\n");
    const jobId = await createRun(store, statePoint.replace("HOME", home).replace("ROOT", root), document);

    const result = await runCli(root, ["ledger", "promote", jobId, "--json"], { env: { HOME: home } });

    expect(JSON.parse(result.stdout)).toMatchObject({ error: { code } });
    expect(JSON.parse(result.stdout).error.message).toContain(message);
    expect(result.stdout).not.toContain("hunter2");
    expect(result.exitCode).toBe(2);
    expect(readdirSync(root)).not.toContain(".aexp");
  });

  it("commits a local path when told so, and records that", async () => {
    const { root, store } = await repoWithStore();
    const jobId = await createRun(store, JSON.stringify({ data: join(root, "data") }));
    expect((await runCli(root, ["ledger", "promote", jobId, "--allow-local-path"])).exitCode).toBe(0);
    expect(readEntry(root, jobId)).toMatchObject({ local_path_allowed: true });
    expect((await runCli(root, ["ledger", "promote", jobId])).stdout).toBe(`${jobId} unchanged\n`);
  });

  it("does several, names those that fail, and exits with 3", async () => {
    const { root, store } = await repoWithStore();
    const good = await createRun(store, '{"a": 1}');
    const result = await runCli(root, ["ledger", "promote", good, "ffffff", "../../x"]);
    expect(result).toMatchObject({ exitCode: 3, stdout: `${good} written\n` });
    expect(result.stderr).toContain('error: no run begins with "ffffff"');
    expect(result.stderr).toContain('error: "../../x" names no run');
  });

  it("never writes through a symbolic link, nor over a conflict", async () => {
    const { root, store } = await repoWithStore();
    const [first, second] = [await createRun(store, '{"a": 1}'), await createRun(store, '{"a": 2}')];
    const outside = join(tempDir(), "outside.json");
    writeFileSync(outside, "mine");
    mkdirSync(join(root, ".aexp", "ledger"), { recursive: true });
    symlinkSync(outside, entryFile(root, first));
    writeFileSync(entryFile(root, second), "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> b\n");

    const refused = await runCli(root, ["ledger", "promote", first]);
    const backfill = await runCli(root, ["ledger", "backfill", "--overwrite"]);

    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toContain("the file is a symbolic link");
    expect(backfill).toMatchObject({ exitCode: 3, stdout: "1 promoted, 0 skipped, 1 failed\n" });
    expect(backfill.stderr).toContain("conflict markers");
    expect(readEntry(root, first)).toMatchObject({ job_id: first });
    expect(readFileSync(outside, "utf8")).toBe("mine");
  });
});

describe("aexp ledger backfill", () => {
  it("promotes what is missing, names what fails, and goes on", async () => {
    const { root, store } = await repoWithStore();
    const done = await createRun(store, '{"a": 1}');
    const bad = await createRun(store, '{"password": "x"}');
    await createRun(store, '{"a": 3}', { status: "running" });
    const broken = await createRun(store, '{"a": 4}');
    writeFileSync(join(store.workspaceOf(broken), "signac_job_document.json"), "{");

    const dry = await runCli(root, ["ledger", "backfill", "--dry-run"]);
    expect(readdirSync(root)).not.toContain(".aexp");
    const result = await runCli(root, ["ledger", "backfill"]);

    expect(dry.stdout).toBe("1 would be promoted, 0 skipped, 2 failed\n");
    expect(result).toMatchObject({ exitCode: 3, stdout: "1 promoted, 0 skipped, 2 failed\n" });
    expect(result.stderr).toContain(`run ${bad} is not committed: statepoint.password is named like a secret`);
    expect(result.stderr).toContain(`the document of run ${broken} cannot be read`);
    expect(readdirSync(join(root, ".aexp", "ledger"))).toEqual([`${done}.json`]);
    expect(await runCliJson(root, ["ledger", "backfill", "--overwrite"])).toMatchObject({ promoted: [], skipped: 1 });
  });

  it("works without a run store", async () => {
    const { root } = await repoWithStore();
    rmSync(join(root, ".runs"), { recursive: true });
    expect(await runCli(root, ["ledger", "backfill"])).toMatchObject({
      exitCode: 0,
      stdout: "0 promoted, 0 skipped, 0 failed\n",
    });
  });

  it("heals after the ledger folder could not be written", async () => {
    const { root, store } = await repoWithStore();
    const jobId = await createRun(store, '{"a": 1}');
    mkdirSync(join(root, ".aexp"));
    writeFileSync(join(root, ".aexp", "ledger"), "in the way");

    const refused = await runCli(root, ["ledger", "promote", jobId]);
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toContain("is not a folder");
    rmSync(join(root, ".aexp", "ledger"));

    expect((await runCli(root, ["ledger", "backfill"])).stdout).toBe("1 promoted, 0 skipped, 0 failed\n");
  });

  it.each([".aexp", ".aexp/ledger"])("refuses a symbolic link in place of %s", async (link) => {
    const { root, store } = await repoWithStore();
    const jobId = await createRun(store, '{"a": 1}');
    const outside = tempDir();
    if (link !== ".aexp") mkdirSync(join(root, ".aexp"));
    mkdirSync(join(outside, "ledger"));
    symlinkSync(outside, join(root, link));
    for (const argv of [["promote", jobId], ["backfill"], ["list"], ["verify"]]) {
      const result = await runCli(root, ["ledger", ...argv]);
      expect(result.stderr).toContain("is a symbolic link");
      expect(result.exitCode).toBe(2);
    }
    expect(readdirSync(outside)).toEqual(["ledger"]);
  });
});

describe("aexp ledger list, show and verify", () => {
  it("read what is there", async () => {
    const { root, store } = await repoWithStore();
    const first = await createRun(store, '{"lr": 1.0}');
    const second = await createRun(store, '{"lr": 2.0}', {
      ...FINISHED,
      status: "failed",
      ended_at: "2026-11-21T05:00:00Z",
    });
    await runCli(root, ["ledger", "backfill", "--machine-label", "cluster"]);
    writeFileSync(entryFile(root, first).replace(first, "0".repeat(32)), "{");

    const list = await runCli(root, ["ledger", "list"]);
    expect(list.stderr).toContain(`${"0".repeat(32)}.json is left out: not JSON`);
    expect(list.stdout).toMatch(
      new RegExp(`${second.slice(0, 8)}.*E001.*failed[^]*${first.slice(0, 8)}.*complete.*cluster`),
    );
    expect(await runCliJson(root, ["ledger", "list", "--status", "failed"])).toMatchObject([{ job_id: second }]);
    expect(await runCliJson(root, ["ledger", "list", "--machine", "x"])).toEqual([]);
    expect(await runCliJson(root, ["ledger", "list", "--experiment", "E001", "--limit", "1"])).toHaveLength(1);
    expect((await runCli(root, ["ledger", "list", "--machine", "x"])).stdout).toContain("no such entries");
    expect((await runCli(root, ["ledger", "list", "--limit", "1"])).stdout).toContain("1 of 2");

    const shown = await runCli(root, ["ledger", "show", first.slice(0, 8)]);
    expect(shown.stdout).toBe(readFileSync(entryFile(root, first), "utf8"));
    expect((await runCli(root, ["ledger", "show", first, "--json"])).stdout).toContain('"lr":1.0');
    expect((await runCli(root, ["ledger", "show", "0000"])).stderr).toContain("cannot be read");
    const fresh = await createRun(store, '{"lr": 3}', {});
    expect((await runCli(root, ["ledger", "show", fresh])).stderr).toContain("has no ledger entry");
  });

  it("find entries whose id, name or shape is wrong", async () => {
    const { root, store } = await repoWithStore();
    const jobId = await createRun(store, '{"lr": 1.0}');
    await runCli(root, ["ledger", "backfill"]);
    expect(await runCli(root, ["ledger", "verify"])).toMatchObject({
      exitCode: 0,
      stdout: "1 entry checked, 0 with problems\n",
    });
    const text = readFileSync(entryFile(root, jobId), "utf8");
    const write = (digit: string, content: string | Buffer): void =>
      writeFileSync(entryFile(root, jobId).replace(jobId, digit.repeat(32)), content);
    write("0", text);
    write("1", "<<<<<<< HEAD\n");
    write("2", Buffer.from([0xff]));
    write("3", Buffer.alloc(2 * 1024 * 1024, 0x20));
    writeFileSync(entryFile(root, jobId), text.replace('"lr": 1.0', '"lr": 1'));

    const result = await runCli(root, ["ledger", "verify", "--json"]);

    expect(result.exitCode).toBe(1);
    const { checked, problems } = JSON.parse(result.stdout);
    expect(checked).toBe(5);
    expect(problems.map((problem: { file: string; code: string }) => [problem.file.slice(0, 1), problem.code])).toEqual(
      expect.arrayContaining([
        ["0", "ledger.filename_mismatch"],
        ["1", "ledger.conflict_markers"],
        ["2", "ledger.malformed"],
        ["3", "ledger.malformed"],
        [jobId.slice(0, 1), "ledger.id_mismatch"],
      ]),
    );
  });
});

describe("naming a run", () => {
  it("takes unique prefixes and lists candidates", async () => {
    const { root, store } = await repoWithStore();
    const jobId = await createRun(store, '{"a": 1}');
    for (const digit of ["a", "b"]) mkdirSync(store.workspaceOf(jobId).replace(jobId, jobId.slice(0, 31) + digit));

    const show = async (text: string): Promise<string> => (await runCli(root, ["ledger", "show", text])).stderr;

    expect(await show(jobId.slice(0, 8))).toContain(`could be any of`);
    expect(await show("42b")).toContain("at least 4");
    expect(await show("0".repeat(32))).toContain("there is no run");
    expect(await show("0".repeat(8))).toContain("no run begins with");
    rmSync(join(root, ".runs"), { recursive: true });
    expect(await show("@last")).toContain("no run here yet");
  });
});

describe("aexp runs-export-index", () => {
  it("writes the index and says that it is deprecated", async () => {
    const { root, store } = await repoWithStore();
    const jobId = await createRun(store, '{"condition": "base"}');
    await createRun(store, '{"a": 2}', { status: "running" });

    const result = await runCli(root, ["runs-export-index", "--as", "gpu3"]);

    expect(result.stderr).toContain("deprecated");
    expect(result.stderr).toContain("aexp ledger backfill");
    expect(JSON.parse(readFileSync(join(root, ".aexp", "runs-index", "gpu3.json"), "utf8"))).toMatchObject({
      schema_version: 1,
      machine_label: "gpu3",
      entries: [{ job_id: jobId, status: "complete", experiment_id: "E001", condition: "base" }],
    });
    expect(await runCliJson(root, ["runs-export-index", "--as", "a/b", "--out", "x.json"])).toMatchObject({
      path: join(root, "x.json"),
      entries: 1,
    });
    expect((await runCli(root, ["runs-export-index", "--as", "../x"])).exitCode).toBe(2);
    rmSync(join(root, ".aexp"), { recursive: true });
    symlinkSync(tempDir(), join(root, ".aexp"));
    expect((await runCli(root, ["runs-export-index"])).stderr).toContain("symbolic link");
  });
});

describe("a backfill that is killed", () => {
  it("leaves no torn entry, and the next one finishes", async () => {
    const { root, store } = await repoWithStore();
    const jobIds: JobId[] = [];
    for (let seed = 0; seed < 150; seed += 1) jobIds.push(await createRun(store, `{"seed": ${seed}}`));
    const main = join(import.meta.dirname, "..", "..", "src", "main.ts");
    for (const share of [0.5, 0.6, 0.7, 0.8, 0.9, 1.1]) {
      // The kill comes at a point of the work that no run can tell beforehand.
      try {
        execFileSync(process.execPath, [main, "ledger", "backfill", "--overwrite"], {
          cwd: root,
          stdio: "ignore",
          timeout: Math.round(260 * share),
          killSignal: "SIGKILL",
        });
      } catch {
        // Killed, as intended.
      }
      expect((await runCli(root, ["ledger", "verify"])).exitCode).toBe(0);
    }

    expect((await runCli(root, ["ledger", "backfill"])).exitCode).toBe(0);

    const entries = readdirSync(join(root, ".aexp", "ledger")).filter((name) => name.endsWith(".json"));
    expect(entries).toEqual(jobIds.map((jobId) => `${jobId}.json`).toSorted());
  });
});
