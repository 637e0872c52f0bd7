import { defineConfig } from "vitest/config";

import { noteSecondTries, SECOND_TRY } from "./test/helpers/second-try-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    disableConsoleIntercept: true,
    env: {
      LC_ALL: "C",
      TZ: "UTC",
      NODE_ENV: "production",
      NO_COLOR: "1",
      OCLIF_COLUMNS: "100",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_NOSYSTEM: "1",
    },
    reporters: ["default", ["json", { outputFile: ".cache/results/main.json" }], noteSecondTries("main")],
    retry: SECOND_TRY,
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 150_000,
    hookTimeout: 120_000,
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      // What needs a server is tested by `npm run test:postgres`.
      exclude: ["src/generated/**", "src/main.ts", "src/queue/postgres/**"],
      reporter: ["text-summary", "json-summary"],
      thresholds: { lines: 90 },
    },
  },
});
