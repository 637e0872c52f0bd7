import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

import { ISSUE_CODES } from "../../src/validate/codes.ts";

const ROOT = join(import.meta.dirname, "..", "..");

it("docs/validate.md explains every issue code, in order, with its usual severity", () => {
  const page = readFileSync(join(ROOT, "docs", "validate.md"), "utf8");
  const explained = [...page.matchAll(/^### (\S+)\n\n.*\*\*Severity\*\*: (error|warning)/gm)].map(
    ([, code, severity]) => [code, severity],
  );

  expect(explained).toEqual(Object.entries(ISSUE_CODES).map(([code, [severity]]) => [code, severity]));
});

it("each code has an example and a remedy", () => {
  const page = readFileSync(join(ROOT, "docs", "validate.md"), "utf8");
  const sections = page.split(/^### /m).slice(1);

  expect(sections.filter((section) => !/^- Example: /m.test(section) || !/^- Remedy: /m.test(section))).toEqual([]);
});
