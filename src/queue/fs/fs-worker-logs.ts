import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { systemErrorCode } from "../../model/errors.ts";
import { explainWriteFailure } from "../../platform/atomic-write.ts";
import { logReader, readLogTail } from "../../platform/log-file.ts";
import type { LogReader } from "../../run/attempt-files.ts";
import type { WorkerLogs } from "../worker-logs.ts";

const LOG_NAME = /^worker-(.+)\.log$/;

/** Logs of workers as files `worker-<id>.log` of one folder. */
export class FsWorkerLogs implements WorkerLogs {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  list(): readonly string[] {
    const found = listFolder(this.#folder).flatMap((name) => {
      const [, id] = LOG_NAME.exec(name) ?? [];
      const stat = id === undefined ? undefined : statSync(join(this.#folder, name), { throwIfNoEntry: false });
      return id === undefined || stat === undefined ? [] : [{ id, bornMs: stat.birthtimeMs || stat.mtimeMs }];
    });
    return found.toSorted((a, b) => b.bornMs - a.bornMs || (a.id < b.id ? -1 : 1)).map(({ id }) => id);
  }

  pathOf(workerId: string): string {
    return join(this.#folder, `worker-${workerId}.log`);
  }

  open(workerId: string): LogReader | undefined {
    const descriptor = openIfPresent(this.pathOf(workerId));
    return descriptor === undefined ? undefined : logReader(descriptor);
  }

  tail(workerId: string, maxBytes: number): string {
    const descriptor = openIfPresent(this.pathOf(workerId));
    return descriptor === undefined ? "" : readLogTail(descriptor, maxBytes);
  }

  create(workerId: string, keep: { readonly newest: number; readonly workerIds: readonly string[] }): void {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      closeSync(openSync(this.pathOf(workerId), "wx", 0o600));
    } catch (error) {
      throw explainWriteFailure(error, this.pathOf(workerId));
    }
    for (const id of this.list().slice(keep.newest)) {
      if (!keep.workerIds.includes(id) && id !== workerId) rmSync(this.pathOf(id), { force: true });
    }
  }
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

function openIfPresent(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
