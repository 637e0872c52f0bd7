import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { readFullYaml } from "../../../src/kb/full-yaml.ts";
import { readPlainYaml } from "../../../src/kb/plain-yaml.ts";
import { type Exact, toPythonJson } from "../../../src/model/exact-json.ts";
import type { YamlFields } from "../../../src/kb/yaml-fields.ts";

// prettier-ignore
const SCALARS = [
  "", "~", "null", "Null", "true", "False", "yes", "no", "on", "1", "-1", "+1", "007", "-0", "1.0", "1.", ".5", "-.5",
  "1e3", "1E-3", "12e4567", "0x1F", "0o17", "0b1", "1_000", ".inf", "-.INF", "+.inf", ".nan", "2026-01-01", "12:30",
  "2026-01-01T10:00:00Z", "a", "a b", "a  b", "a:b", "a: b", "a #b", "a#b", '"a"', "'a'", "'a''b'", '"a\\nb"', "a,b",
  "[[H001]]", "[]", "{}", "[a, b]", "{a: 1}", "{a: 1, a: 2}", "-", "- a", "-a", "--", "---", "...", "?", "!x", "&x",
  "*x", "|", ">", "%", "@a", "`a", "a, b", "(a)", "<<", "=", "é", "日本", "\u00a0", "\ufeff", "a\tb", "/x/y", "a'b",
  'a"b', "123456789012345678901234567890", "0123456789abcdef0123456789abcdef", "1.50", "1e400", "-1.0e-7", "1.e3", "+.5",
];

describe("readPlainYaml", () => {
  it("answers for what our templates produce", () => {
    const text = `aliases: [F001]
hypothesis: "[[H001]]"
# a comment
created: 2026-01-01

supporting_runs:
  - { type: job, id: "0123" }
  - type: batch
    experiment_id: E001
    selector:
      lr: 0.1
      seed: 1
`;
    const fields = readPlainYaml(text, 2);

    expect(fields && toPythonJson(fields.values)).toMatchInlineSnapshot(
      `"{"aliases": ["F001"], "hypothesis": "[[H001]]", "created": "2026-01-01", "supporting_runs": [{"type": "job", "id": "0123"}, {"type": "batch", "experiment_id": "E001", "selector": {"lr": 0.1, "seed": 1}}]}"`,
    );
    expect(fields?.lines.get("supporting_runs")).toEqual({ line: 7, items: [8, 9] });
  });

  it("gives what the yaml package gives, whenever it answers", async () => {
    let answers = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof(noisyText(), treeText()), async (text) => {
        const plain = readPlainYaml(text, 2);
        if (plain === undefined) return;
        answers += 1;
        const full = await readFullYaml(text, 2);
        expect("fields" in full ? describeFields(full.fields) : full.problem).toEqual(describeFields(plain));
      }),
      { numRuns: 5000 },
    );
    // The law would hold for a reader that never answers, too.
    expect(answers).toBeGreaterThan(500);
  });

  it("gives what the yaml package gives for scalars, wherever they stand", async () => {
    let answers = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof(scalar(), fc.string({ unit: "binary", maxLength: 12 })), async (value) => {
        for (const text of [
          `key: ${value}`,
          `key: [${value}, x]`,
          `key: { a: ${value} }`,
          `key:\n  - ${value}`,
          `${value}: 1`,
        ]) {
          const plain = readPlainYaml(text, 2);
          if (plain === undefined) continue;
          answers += 1;
          const full = await readFullYaml(text, 2);
          expect("fields" in full ? describeFields(full.fields) : full.problem).toEqual(describeFields(plain));
        }
      }),
      { numRuns: 4000 },
    );
    expect(answers).toBeGreaterThan(1000);
  });

  it.each([
    "a: &x 1",
    "a: *x",
    "a: |\n  x",
    "- a",
    "a: 1\na: 2",
    "a:\tb",
    "a: b\n  c",
    "a: {b: c",
    "a: !!str 1",
    "true: 1",
    "a: b: c",
    "",
  ])("leaves %j to the full parser", (text) => {
    expect(readPlainYaml(text, 2)).toBeUndefined();
  });
});

function describeFields({ values, lines }: YamlFields): unknown {
  return { values: describeValue(values), lines: [...lines] };
}

/** Kind and text of every number, and the order of keys. */
function describeValue(value: Exact): string {
  return toPythonJson(value);
}

function scalar(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(...SCALARS),
    fc.stringMatching(/^[-+.0-9eExo]{1,8}$/),
    fc.stringMatching(/^[a-zA-Z0-9 _.,:#'"{}[\]()&*!|>?%@=~-]{0,10}$/),
  );
}

/** Texts that look like frontmatter, with some noise in indentation and order. */
function noisyText(): fc.Arbitrary<string> {
  const key = fc.constantFrom("a", "b", "type", "id", "selector", "x-y", "true", "__proto__", "null", "k1", "no");
  const indent = fc.constantFrom("", "", "  ", "  ", "    ", "      ", "        ", " ");
  const line = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(indent, key, scalar()).map(([space, name, value]) => `${space}${name}: ${value}`),
    },
    { weight: 4, arbitrary: fc.tuple(indent, key).map(([space, name]) => `${space}${name}:`) },
    {
      weight: 3,
      arbitrary: fc.tuple(indent, key, scalar()).map(([space, name, value]) => `${space}- ${name}: ${value}`),
    },
    { weight: 2, arbitrary: fc.tuple(indent, key).map(([space, name]) => `${space}- ${name}:`) },
    { weight: 3, arbitrary: fc.tuple(indent, scalar()).map(([space, value]) => `${space}- ${value}`) },
    { weight: 1, arbitrary: fc.tuple(indent, scalar()).map(([space, value]) => `${space}${value}`) },
    { weight: 1, arbitrary: fc.constantFrom("", "# note", "  # note", "   ", "-", "  -") },
  );
  return fc.array(line, { minLength: 1, maxLength: 8 }).map((lines) => lines.join("\n"));
}

/** Trees in block form, as a person would write them, with scalars of every kind. */
function treeText(): fc.Arbitrary<string> {
  const { tree } = fc.letrec<{ tree: readonly string[]; list: readonly string[]; mapping: readonly string[] }>(
    (tie) => ({
      tree: fc.oneof({ depthSize: "small", maxDepth: 4 }, flow(), tie("list"), tie("mapping")),
      list: fc
        .array(tie("tree"), { minLength: 1, maxLength: 3 })
        .map((items) => items.flatMap(([first = "", ...rest]) => [`- ${first}`, ...rest.map((line) => `  ${line}`)])),
      mapping: fc
        .uniqueArray(fc.tuple(treeKey(), tie("tree"), fc.constantFrom("", "  ", "    ")), {
          selector: ([key]) => key,
          minLength: 1,
          maxLength: 3,
        })
        .map((fields) =>
          fields.flatMap(([key, lines, indent]) =>
            lines.length === 1 && !/^(?:- |[a-z_]+:)/.test(lines[0] ?? "")
              ? [`${key}: ${lines[0] ?? ""}`]
              : [`${key}:`, ...lines.map((line) => indent + line)],
          ),
        ),
    }),
  );
  return tree.map((lines) => ["top:", ...lines.map((line) => `  ${line}`), "last: 1"].join("\n"));
}

function treeKey(): fc.Arbitrary<string> {
  return fc.constantFrom("a", "b", "c", "type", "id", "selector", "__proto__", "constructor");
}

/** One line: a scalar, or a flow collection of them. */
function flow(): fc.Arbitrary<readonly string[]> {
  const plain = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.constantFrom(
        "x",
        "1",
        "1.0",
        '"q"',
        "'s'",
        "true",
        "null",
        "1e-3",
        "2026-01-01",
        "two words",
        "0123",
        "-5",
        "E001",
      ),
    },
    { weight: 1, arbitrary: scalar() },
  );
  return fc
    .oneof(
      plain,
      fc.array(plain, { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
      fc
        .array(fc.tuple(treeKey(), plain), { maxLength: 3 })
        .map((items) => `{ ${items.map((pair) => pair.join(": ")).join(", ")} }`),
    )
    .map((line) => [line]);
}
