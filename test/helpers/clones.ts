import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Exact, type ExactObject, toSortedPrettyJson } from "../../src/model/exact-json.ts";
import { parseExactObject } from "../../src/model/exact-json-reader.ts";
import { toJobId } from "../../src/run/job-id.ts";
import { configureRepo, git } from "./git-repo.ts";
import { runCli } from "./cli.ts";
import { tempDir } from "./temp-dir.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");

/** A bare remote and clones of it, aexp installed in each under the clone's name. */
export async function makeClones(...names: string[]): Promise<{ place: string; clones: string[] }> {
  const place = tempDir("aexp clones'-");
  git(place, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git");
  const clones: string[] = [];
  for (const name of names) {
    git(place, "clone", "--quiet", "remote.git", name);
    const clone = join(place, name);
    configureRepo(clone);
    await runCli(clone, ["install", "--machine-label", name, "--no-kb"]);
    clones.push(clone);
  }
  return { place, clones };
}

/** The entry of a finished run, as text. */
export function entryText(seed: number, extra: Readonly<Record<string, Exact>> = {}): { id: string; text: string } {
  const statePoint: ExactObject = parseExactObject(`{"experiment_id": "E001", "seed": ${seed}}`);
  const id = toJobId(statePoint);
  const base = parseExactObject(
    `{"schema_version": 1, "status": "complete", "registered_machine": "m", "ended_at": "2026-11-21T04:10:00Z", "promoted_at": "2026-11-21T04:10:01Z"}`,
  );
  const entry = new Map<string, Exact>([...base, ["job_id", id], ["statepoint", statePoint], ...Object.entries(extra)]);
  return { id, text: toSortedPrettyJson(entry) };
}

/** Writes an entry into the ledger of a clone and returns its job id. */
export function writeEntry(clone: string, seed: number, extra: Readonly<Record<string, Exact>> = {}): string {
  const { id, text } = entryText(seed, extra);
  mkdirSync(join(clone, ".aexp", "ledger"), { recursive: true });
  writeFileSync(join(clone, ".aexp", "ledger", `${id}.json`), text);
  return id;
}

/** Writes a file below the clone, with the folders that it needs. */
export function writeFile(clone: string, path: string, text: string): void {
  mkdirSync(join(clone, path, ".."), { recursive: true });
  writeFileSync(join(clone, path), text);
}

/** The job ids in the ledger folder of a clone. */
export function ledgerIds(clone: string): string[] {
  return readdirSync(join(clone, ".aexp", "ledger"))
    .map((name) => name.replace(/\.json$/, ""))
    .toSorted();
}

/** What an entry says, as plain JSON. */
export function readEntry(clone: string, id: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(clone, ".aexp", "ledger", `${id}.json`), "utf8"));
}

/** Runs aexp as a process of its own. */
export function runProcess(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, ...env } };
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      resolve({ exitCode: typeof error?.code === "number" ? error.code : error === null ? 0 : 128, stdout, stderr });
    });
  });
}

/** A folder with a program `aexp` in it, for the PATH, so that git finds the merge driver. */
export function shimFolder(): string {
  const folder = tempDir();
  const script = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`;
  writeFileSync(join(folder, "aexp"), script, { mode: 0o755 });
  return folder;
}
