import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/interop/**/*.interop.ts"],
    disableConsoleIntercept: true,
    reporters: ["verbose", ["json", { outputFile: ".cache/results/interop.json" }]],
    testTimeout: 60_000,
  },
});
