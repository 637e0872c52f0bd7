import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

import { EXIT } from "../../src/cli/exit-codes.ts";

it("docs/exit-codes.md lists the exit codes, in order", () => {
  const page = readFileSync(new URL("../../docs/exit-codes.md", import.meta.url), "utf8");
  const listed = [...page.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]));

  expect(listed).toEqual(Object.values(EXIT));
});
