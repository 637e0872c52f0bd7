import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Citation } from "../../../src/kb/citation.ts";
import { type NewCitation, toCitationYaml } from "../../../src/kb/citation-text.ts";
import { toFinding } from "../../../src/kb/finding.ts";
import { parseNote } from "../../../src/kb/note.ts";
import { type Exact, ExactNumber, type ExactObject, toPythonJson } from "../../../src/model/exact-json.ts";
import { parseExactObject } from "../../../src/model/exact-json-reader.ts";
import { parseJobId } from "../../../src/run/job-id.ts";

// prettier-ignore
const TEXTS = [
  "", "~", "null", "true", "yes", "on", "y", "1", "1.0", "1e-05", "0x1F", "0o17", "012", "1_000", "12:30", ".inf", "2026-01-01",
  "a b", "a: b", "a #b", "a,b", "]", "}", "-", "- a", "?", "!x", "&x", "*x", "|", "%", "@a", "`a", "<<", "=", "é", "日本", "😀",
  "\u00a0", "\u0085", "\u2028", "\ufeff", "\ud800", "\ufffe", "a\tb", "a\nb", "\r", "\0", "\u007f", "'", '"', "\\", "__proto__",
];
const text = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: "binary" }));
const number = fc.oneof(
  fc.bigInt().map((value) => ExactNumber.int(String(value))),
  fc.double().map((value) => ExactNumber.float(value)),
  fc.constantFrom(1e-5, 1e16, 1e22, -5e-324, -0).map((value) => ExactNumber.float(value)),
);
const object = (value: fc.Arbitrary<Exact>): fc.Arbitrary<ExactObject> =>
  fc.array(fc.tuple(text, value), { maxLength: 4 }).map((entries) => new Map(entries));
const exact = fc.letrec<{ value: Exact }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false),
    text,
    number,
    fc.array(tie("value"), { maxLength: 4 }),
    object(tie("value")),
  ),
})).value;

/** The citations of a finding that has these lines as its supporting runs. */
async function readBack(items: readonly string[], ending = "\n"): Promise<readonly Citation[]> {
  const lines = ["---", "impact: HIGH", "supporting_runs:", ...items.map((item) => `  - ${item}`), "---", "# F001", ""];
  const read = await parseNote(lines.join(ending));
  if (read.kind === "unreadable") throw new Error(read.problem.message);
  return toFinding("F001.md", read.note).citations;
}

const batch = (selector: ExactObject): NewCitation => ({ type: "batch", experimentId: "E001", selector });

describe("toCitationYaml", () => {
  it("is short where nothing asks for more", () => {
    const jobId = parseJobId("00112233445566778899001122334455");

    expect(toCitationYaml({ type: "job", jobId })).toBe('{type: job, id: "00112233445566778899001122334455"}');
    expect(toCitationYaml(batch(new Map()))).toBe("{type: batch, experiment_id: E001, selector: {}}");
    expect(
      toCitationYaml(
        batch(
          parseExactObject('{"lr": 1e-05, "k": 3, "model.name": "a b", "on": "E1", "x": [1.0, null, {"z": true}]}'),
        ),
      ),
    ).toBe(
      '{type: batch, experiment_id: E001, selector: {lr: 1.0e-05, k: 3, model.name: "a b", "on": "E1", x: [1.0, null, {z: true}]}}',
    );
  });

  it("reads back as the same value, kinds and digits included", async () => {
    await fc.assert(
      fc.asyncProperty(object(exact), fc.constantFrom("\n", "\r\n"), async (selector, ending) => {
        const [first, second] = await readBack([toCitationYaml(batch(selector)), "x"], ending);
        expect(second?.type).toBe("fault");
        if (first?.type !== "batch") throw new Error(`read as ${JSON.stringify(first)}`);
        expect(toPythonJson(first.selector)).toBe(toPythonJson(selector));
      }),
      { numRuns: 1000 },
    );
  });

  it("reads back keys of any length", async () => {
    const selector = new Map([
      ["k".repeat(5000), ExactNumber.int("1")],
      ["b", ExactNumber.int("2")],
    ]);

    expect(await readBack([toCitationYaml(batch(selector))])).toMatchObject([{ type: "batch", selector }]);
  });
});
