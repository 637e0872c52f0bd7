import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { exportRuns } from "../../src/app/export-runs.ts";
import { openExportPlace } from "../../src/wiring/open-export.ts";
import { isRunning, startAexp } from "../helpers/aexp-process.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { exportProject } from "../helpers/export-project.ts";
import { initRepo } from "../helpers/git-repo.ts";
import { makeProject } from "../helpers/project.ts";
import { addRun, addSweep } from "../helpers/sweep.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");

describe("where an export goes", () => {
  it("appears as a whole, and is replaced by the next one", async () => {
    const { root, folder } = await exportProject();
    await runCli(root, ["export", "--format", "ro-crate", "--out", "../crate"]);
    rmSync(join(folder, "crate", "LICENSE"));
    writeFileSync(join(folder, "crate", "LICENSE"), "edited\n");

    expect(await exportTo(root, "../crate")).toBe(0);
    expect(readFileSync(join(folder, "crate", "LICENSE"), "utf8")).toBe("MIT License\n");
    expect(await exportTo(root, "../crate", "mlflow")).toBe(0);
    expect(readdirSync(join(folder, "crate")).toSorted()).toEqual([".aexp-export.json", "0", "1"]);
    expect(readdirSync(folder).toSorted()).toEqual(["crate", "project"]);
  });

  it.each([
    ["a folder that no export wrote", (path: string) => writeFile(path, "notes.txt"), "export.out_exists"],
    ["a folder of hidden files", (path: string) => writeFile(path, ".ssh"), "export.out_exists"],
    [
      "a marker that is none",
      (path: string) => writeFile(path, ".aexp-export.json", '{"aexp_export": 2}'),
      "export.out_exists",
    ],
    ["a git repository", (path: string) => void initRepo(path), "export.out_unusable"],
    ["a file", (path: string) => writeFileSync(path, "x"), "export.out_unusable"],
    ["a symbolic link", (path: string) => symlinkSync("project", path), "export.out_unusable"],
  ])("is never %s", async (_, make, code) => {
    const { root, folder } = await exportProject();
    make(join(folder, "crate"));
    const before = snapshot(folder);

    expect(await errorOf(root, "../crate")).toBe(code);
    expect(snapshot(folder)).toEqual(before);
  });

  it("is no export any more once files were added to it", async () => {
    const { root, folder } = await exportProject();
    await runCli(root, ["export", "--format", "mlflow", "--out", "../mlruns"]);
    writeFile(join(folder, "mlruns", "1", "ffff"), "meta.yaml");

    expect(await errorOf(root, "../mlruns", "mlflow")).toBe("export.out_exists");
    expect(await exportTo(root, "../mlruns", "mlflow", "--force")).toBe(0);
    expect(existsSync(join(folder, "mlruns", "1", "ffff"))).toBe(false);
  });

  it.each(["..", ".", ".runs/x", ".aexp/x", ".git/x", ".runs", "../missing/crate", "LICENSE/crate"])(
    "is never %s, with --force neither",
    async (out) => {
      const { root } = await exportProject();

      expect(await errorOf(root, out, "ro-crate", "--force")).toBe("export.out_unusable");
      expect(existsSync(join(root, ".git", "HEAD"))).toBe(true);
    },
  );

  it("may be an empty folder", async () => {
    const { root, folder } = await exportProject();
    mkdirSync(join(folder, "crate"));

    expect(await exportTo(root, "../crate")).toBe(0);
  });

  it("replaces a file only with --force", async () => {
    const { root, folder } = await exportProject();
    writeFileSync(join(folder, "runs.csv"), "mine\n");

    expect(await errorOf(root, "../runs.csv", "csv")).toBe("export.out_exists");
    expect(readFileSync(join(folder, "runs.csv"), "utf8")).toBe("mine\n");
    expect(await exportTo(root, "../runs.csv", "csv", "--force")).toBe(0);
    expect(readFileSync(join(folder, "runs.csv"), "utf8")).toMatch(/^id,status,/);
    expect(readdirSync(folder).toSorted()).toEqual(["project", "runs.csv"]);
  });

  it.each(["ro-crate", "mlflow"])("is nothing when no run matches %s", async (format) => {
    const { root, folder } = await exportProject();

    expect(await errorOf(root, "../crate", format, "--experiment", "E404")).toBe("export.no_runs");
    expect(readdirSync(folder)).toEqual(["project"]);
  });

  it.each(["csv", "ro-crate"])("explains a read-only folder for %s", async (format) => {
    const { root, folder } = await exportProject();
    const out = join(folder, "shut");
    mkdirSync(out, { mode: 0o555 });
    chmodSync(folder, 0o755);
    // Root may write everywhere, so there the command runs as nobody, who has to trust the repository first.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const trust = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "safe.directory", GIT_CONFIG_VALUE_0: "*" };
    const argv = [MAIN, "export", "--format", format, "--out", join(out, "x"), "--json"];
    const { status, stdout } = spawnSync(process.execPath, argv, {
      ...nobody,
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, ...trust, HOME: "/nonexistent" },
    });

    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "environment.read_only" } });
    expect(readdirSync(out)).toEqual([]);
  });
});

describe("an interrupted export", () => {
  it.each(["csv", "json", "ro-crate", "mlflow"] as const)("of %s leaves nothing behind", async (format) => {
    const { root, repo } = await makeProject();
    await addSweep(root);
    const controller = new AbortController();
    let nowMs = 0;
    // A clock on which every turn is over, so that the signal is looked at after every run.
    const clock = { ...repo.clock, monotonicMs: () => (nowMs += 1000) };
    const target = {
      out: "../out",
      cwd: root,
      format,
      isFolder: format !== "csv" && format !== "json",
      isForced: false,
    };
    const place = openExportPlace(repo, target);
    const request = { format, query: {}, names: [], findings: [], findLicense: () => undefined, version: "1" };
    const outcome = await exportRuns(
      { ...repo, clock },
      { ...request, toJson: () => ({}), isLines: false },
      {
        ...place,
        onProgress: (done) => {
          if (done === 3) controller.abort();
        },
        signal: controller.signal,
      },
    );

    expect(outcome).toBeUndefined();
    expect(readdirSync(join(root, ".."))).toEqual(["project"]);
  });

  it("by Ctrl-C is whole or not there", async () => {
    const { root } = await makeProject();
    await addSweep(root);
    for (let seed = 0; seed < 300; seed += 1) await addRun(root, `{"seed": ${seed}}`, { status: "complete" });
    const folder = join(root, "..");
    const aexp = startAexp(root, ["export", "--format", "mlflow", "--out", "../out"]);
    await waitUntil("the export to begin", () => readdirSync(folder).length > 1 || !isRunning(aexp.pid));
    aexp.child.kill("SIGINT");
    const { exitCode } = await aexp.ended;

    expect([
      { exitCode: 130, names: ["project"] },
      { exitCode: 0, names: ["out", "project"] },
    ]).toContainEqual({ exitCode, names: readdirSync(folder).toSorted() });
  });
});

async function exportTo(root: string, out: string, format = "ro-crate", ...flags: string[]): Promise<number> {
  return (await runCli(root, ["export", "--format", format, "--out", out, ...flags])).exitCode;
}

async function errorOf(root: string, out: string, format = "ro-crate", ...flags: string[]): Promise<unknown> {
  const json: { error?: { code?: string } } = Object(
    await runCliJson(root, ["export", "--format", format, "--out", out, ...flags]),
  );
  return json.error?.code;
}

/** What stands in a folder and beside it. */
function snapshot(folder: string): readonly unknown[] {
  const stat = lstatSync(join(folder, "crate"));
  return [readdirSync(folder), stat.ino, stat.isDirectory() ? readdirSync(join(folder, "crate")) : []];
}

function writeFile(folder: string, name: string, text = ""): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
}
