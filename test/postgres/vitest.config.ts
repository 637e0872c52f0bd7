import { defineConfig } from "vitest/config";

import main from "../../vitest.config.ts";
import { noteSecondTries } from "../helpers/second-try-reporter.ts";

export default defineConfig({
  test: {
    ...main.test,
    include: [
      "test/postgres/**/*.postgres.ts",
      // Whatever holds for workers holds with this store as well.
      "test/integration/pipeline-cache.test.ts",
      "test/integration/pipeline-failures.test.ts",
      "test/integration/pipeline-laws.test.ts",
      "test/integration/pipeline-many.test.ts",
      "test/integration/pipeline-recovery.test.ts",
      "test/integration/worker-kill.test.ts",
      "test/integration/worker-wake.test.ts",
      "test/integration/worker.test.ts",
      "test/e2e/queue-chaos.test.ts",
    ],
    // A step takes a server longer than a file, and the same histories are compared with those of SQLite.
    env: {
      ...main.test?.env,
      AEXP_MODEL_RUNS: process.env["AEXP_MODEL_RUNS"] ?? "20",
      AEXP_LAW_RUNS: process.env["AEXP_LAW_RUNS"] ?? "3",
    },
    testTimeout: 180_000,
    setupFiles: ["test/postgres/use-server.ts"],
    globalSetup: ["test/postgres/shared-server.ts"],
    reporters: ["default", ["json", { outputFile: ".cache/results/postgres.json" }], noteSecondTries("postgres")],
    coverage: { enabled: false },
  },
});
