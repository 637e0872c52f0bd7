import { type BytePath, joinBytes } from "../../model/byte-path.ts";
import { type FileOutcome, hashFile } from "./hash-file.ts";

/** What a thread is to hash. */
export interface HashOrder {
  readonly id: number;
  readonly root: BytePath;
  /** Relative to the root. */
  readonly paths: readonly BytePath[];
}

/** What a thread says. */
export type HashReport =
  | { readonly kind: "read"; readonly id: number; readonly bytes: number }
  /** One outcome for each path, in the same order. */
  | { readonly kind: "done"; readonly id: number; readonly outcomes: readonly FileOutcome[] };

/** Of a large file, so much is read between two reports. */
const REPORT_BYTES = 32 * 1024 * 1024;

/** Hashes what the thread that started this one orders, one order after the other. */
export async function serveHashing(): Promise<void> {
  const { parentPort } = await import("node:worker_threads");
  const report = (value: HashReport): void => parentPort?.postMessage(value, []);
  parentPort?.on("message", ({ id, root, paths }: HashOrder) => {
    let unreported = 0;
    const outcomes = paths.map((path) => {
      const steps = hashFile(joinBytes(root, path));
      for (;;) {
        const step = steps.next();
        if (step.done === true) return step.value;
        unreported += step.value;
        if (unreported < REPORT_BYTES) continue;
        report({ kind: "read", id, bytes: unreported });
        unreported = 0;
      }
    });
    report({ kind: "read", id, bytes: unreported });
    report({ kind: "done", id, outcomes });
  });
}
