import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseExactObject } from "../../src/model/exact-json-reader.ts";
import type { JsonValue } from "../../src/model/json.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { FsRunStore } from "../../src/run/fs/fs-run-store.ts";

/** Registers a run with a state point as text and a document as it is. */
export async function addRun(
  root: string,
  statePoint: string,
  document: Readonly<Record<string, JsonValue>> = {},
): Promise<JobId> {
  const store = new FsRunStore(join(root, ".runs"));
  if (!store.exists()) await store.initialize();
  const { jobId } = await store.create(parseExactObject(statePoint), document);
  return jobId;
}

/** Writes one of the files that an attempt leaves, by its path below `.aexp/`. */
export function addRunFile(root: string, jobId: JobId, name: string, text: string): void {
  const path = join(root, ".runs", "workspace", jobId, ".aexp", name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
}

/** Three learning rates with three seeds each, of which one failed; every time, number and curve is fixed. */
export async function addSweep(root: string): Promise<readonly JobId[]> {
  const ids: JobId[] = [];
  for (const [row, lr] of ["0.01", "0.1", "1.0"].entries()) {
    for (const seed of [0, 1, 2]) {
      const index = row * 3 + seed;
      const failed = index === 4;
      const loss = (step: number) => Number((1 / (1 + step * Number(lr)) + 0.01 * seed).toFixed(4));
      const jobId = await addRun(root, sweepPoint(lr, seed), {
        aexp: { experiment_id: "E001", hypothesis_id: "H001" },
        status: failed ? "failed" : "complete",
        ...(failed ? { reason: { code: "signal" }, signal: "SIGKILL" } : {}),
        created_at: `2026-03-01T10:0${index}:00Z`,
        started_at: `2026-03-01T10:0${index}:05Z`,
        ended_at: `2026-03-01T10:0${index}:59Z`,
        wallclock_s: 54.25,
        exit_code: failed ? 137 : 0,
        summary_metrics: { loss: loss(9), accuracy: 0.5 + index / 100 },
      });
      const lines = Array.from({ length: 10 }, (_, step) => `${JSON.stringify({ step, loss: loss(step) })}\n`);
      addRunFile(root, jobId, "metrics.jsonl", lines.join(""));
      ids.push(jobId);
    }
  }
  return ids;
}

function sweepPoint(lr: string, seed: number): string {
  return `{"experiment_id": "E001", "code_commit": "${"ab".repeat(20)}", "code_dirty": false, "lr": ${lr}, "seed": ${seed}, "model": {"name": "mlp", "layers": 2}}`;
}

/** An entry as another machine would have committed it. */
export function addEntry(root: string, jobId: string, statePoint: string, label = "cluster"): void {
  const folder = join(root, ".aexp", "ledger");
  mkdirSync(folder, { recursive: true });
  const entry = {
    ended_at: "2026-03-01T09:30:00Z",
    exit_code: 0,
    job_id: jobId,
    outputs: [{ bytes: 12, digest: "sha256:00", name: "model" }],
    promoted_at: "2026-03-01T09:31:00Z",
    registered_machine: label,
    run_link: { experiment_id: "E001" },
    schema_version: 1,
    started_at: "2026-03-01T09:00:00Z",
    statepoint: JSON.parse(statePoint),
    status: "complete",
    summary_metrics: { loss: 0.25 },
    wallclock_s: 1800,
  };
  writeFileSync(join(folder, `${jobId}.json`), `${JSON.stringify(entry, null, 2)}\n`);
}
