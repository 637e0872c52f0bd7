import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { isJsonObject } from "../../../src/model/json.ts";
import { toSarif } from "../../../src/validate/formats/sarif.ts";

describe("toSarif", () => {
  it("matches the official schema", () => {
    const isSarif = sarifValidator();
    const log = toSarif(
      [
        { code: "finding.no_run_store", severity: "warning", message: "no path" },
        { code: "finding.uncited", severity: "warning", message: "path", path: "kb/research/findings/F001-a b%.md" },
        { code: "finding.unreadable", severity: "error", message: "\u001b[31mline", path: "kb/F002.md", line: 3 },
        { code: "finding.unreadable", severity: "error", message: "again", path: "kb/F003.md", line: 1 },
      ],
      "1.2.3",
    );

    expect(isSarif(log) ? [] : isSarif.errors).toEqual([]);
    expect(isSarif(toSarif([], "1.2.3"))).toBe(true);
    // A schema that accepts everything would prove nothing.
    expect(isSarif({ ...log, version: "2.0.0" })).toBe(false);
  });

  it("names each rule once and points to it", () => {
    const log = toSarif([{ code: "run.orphan", severity: "error", message: "x", path: "a b/ü", line: 2 }], "1.2.3");

    expect(log).toMatchObject({
      runs: [
        {
          tool: { driver: { name: "aexp", version: "1.2.3", rules: [{ id: "run.orphan" }] } },
          results: [
            {
              ruleId: "run.orphan",
              ruleIndex: 0,
              level: "error",
              locations: [
                { physicalLocation: { artifactLocation: { uri: "a%20b/%C3%BC" }, region: { startLine: 2 } } },
              ],
            },
          ],
        },
      ],
    });
  });
});

function sarifValidator() {
  const file = join(import.meta.dirname, "..", "..", "fixtures", "sarif", "sarif-2.1.0-rtm.5.json");
  const schema: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!isJsonObject(schema)) throw new Error("the schema is not an object");
  // The schema uses nothing of draft 4 that later drafts read differently, except how it names itself.
  const { $schema: _, id: __, ...rest } = schema;
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormats.default(ajv);
  return ajv.compile(rest);
}
