import { streamRecordFile } from "../declaration.ts";
import type { OutputStore } from "../output-store.ts";
import { checkOutput, verifyOutput } from "./check-output.ts";
import { listKeptOutputs, removeKeptOutputs } from "./kept-outputs.ts";
import { readOutputs } from "./outputs-file.ts";
import { recordOutputs, recordStreamItems } from "./record-outputs.ts";

/** Outputs on disk, where the runs wrote them. */
export const fsOutputStore: OutputStore = {
  record: recordOutputs,
  recordItems: recordStreamItems,
  read: (runFolder, attempt) => readOutputs(runFolder, attempt),
  readItems: (runFolder, attempt) => readOutputs(runFolder, attempt, streamRecordFile(attempt)),
  check: checkOutput,
  verify: verifyOutput,
  list: listKeptOutputs,
  remove: removeKeptOutputs,
};
