import { defineConfig } from "vitest/config";

import main from "../../vitest.config.ts";

export default defineConfig({
  test: {
    ...main.test,
    include: ["test/postgres/**/*.postgres.ts"],
    globalSetup: ["test/postgres/shared-server.ts"],
    reporters: ["default", ["json", { outputFile: ".cache/results/postgres.json" }]],
    coverage: { enabled: false },
  },
});
