import { join } from "node:path";
import { describe, onTestFinished } from "vitest";

import { openSqliteQueueStore } from "../../src/queue/sqlite/sqlite-queue-store.ts";
import { manyWorkerCases } from "../contract/many-workers.ts";
import { tempDir } from "../helpers/temp-dir.ts";

describe("many processes on one queue", () => {
  manyWorkerCases(async () => {
    const location = join(tempDir(), "aexp.db");
    const store = await openSqliteQueueStore(location);
    onTestFinished(async () => await store[Symbol.asyncDispose]());
    return { store, location };
  });
});
