import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/slurm/**/*.slurm.ts"],
    disableConsoleIntercept: true,
    env: { LC_ALL: "C", TZ: "UTC", NO_COLOR: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
    reporters: ["verbose", ["json", { outputFile: ".cache/results/slurm.json" }]],
    pool: "forks",
    // One cluster for all of them, and some tests stop parts of it.
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});
