import { defineConfig } from "vitest/config";

import { noteSecondTries, SECOND_TRY } from "../helpers/second-try-reporter.ts";

const common = {
  disableConsoleIntercept: true,
  env: { LC_ALL: "C", TZ: "UTC", NO_COLOR: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
  pool: "forks" as const,
  testTimeout: 420_000,
  retry: SECOND_TRY,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    reporters: ["verbose", ["json", { outputFile: ".cache/results/slurm.json" }], noteSecondTries("slurm")],
    // There is one cluster for all of them. Most wait for it nearly all of their time; those that stop parts of it come
    // when the others are done.
    projects: [
      {
        test: {
          ...common,
          name: "together",
          include: ["test/slurm/together/**/*.slurm.ts"],
          maxWorkers: 4,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: "alone",
          include: ["test/slurm/alone/**/*.slurm.ts"],
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
