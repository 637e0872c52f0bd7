import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { AexpError } from "../../src/model/errors.ts";
import { fillTemplate, parseTemplate } from "../../src/queue/command-template.ts";
import { quoteCommand } from "../../src/queue/shell-quote.ts";
import { tempDir } from "../helpers/temp-dir.ts";

/** Whatever hurts in a shell, mixed with any other text. */
const VALUE = fc
  .array(
    fc.oneof(
      fc.constantFrom("'", '"', "$", "`", "\\", "\n", " ", ";", "#", "&", "|", ">", "<", "(", ")", "*", "?", "~", "!"),
      fc.constantFrom("$(touch pwned)", "`touch pwned`", "'; touch pwned; '", '"; touch pwned; "', "\n touch pwned\n"),
      fc.constantFrom(
        "-rf",
        "--",
        "=",
        "{x}",
        "${V}",
        "$V",
        "%s",
        "\\n",
        "\t",
        "\r",
        "é",
        "日本",
        "🎉",
        "\u0001",
        "if",
      ),
      fc.string({ unit: "grapheme", maxLength: 5 }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join("").replaceAll("\0", ""));

/** What a program that is started by `sh` gets as its arguments. */
function argumentsOf(line: string, cwd: string): string[] | undefined {
  const { status, stdout } = spawnSync("/bin/sh", ["-c", line], {
    cwd,
    env: { PATH: process.env["PATH"], V: "v", HOME: "/home/h" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? stdout.toString("utf8").split("\0").slice(0, -1) : undefined;
}

function fill(template: string | readonly string[], value: string): string | readonly string[] {
  return fillTemplate(parseTemplate(template), {
    valueOf: (name) => (name === "x" ? value : undefined),
    names: () => ["x"],
  });
}

function fillLine(template: string, value: string): string {
  const line = fill(template, value);
  if (typeof line !== "string") throw new Error("a line stays a line");
  return line;
}

describe("a command for sh", () => {
  it.each([
    { words: "{x}", gives: (x: string) => [x] },
    { words: "'{x}'", gives: (x: string) => [x] },
    { words: '"{x}"', gives: (x: string) => [x] },
    { words: "--x={x}", gives: (x: string) => [`--x=${x}`] },
    { words: "a{x}b {x}", gives: (x: string) => [`a${x}b`, x] },
    { words: `'a{x}b' "a{x}b"`, gives: (x: string) => [`a${x}b`, `a${x}b`] },
    { words: "{x}{x} \"{x}{x}\" '{x}{x}'", gives: (x: string) => [x + x, x + x, x + x] },
    { words: `$V{x} "$V{x}" "\${V}{x}"`, gives: (x: string) => [`v${x}`, `v${x}`, `v${x}`] },
    { words: String.raw`"\{x}" "\"{x}\"" \"{x}\"`, gives: (x: string) => [`\\${x}`, `"${x}"`, `"${x}"`] },
    { words: `"it's {x}" 'say "{x}"'`, gives: (x: string) => [`it's ${x}`, `say "${x}"`] },
    { words: `"$(printf %s "{x}"z)"`, gives: (x: string) => [`${x}z`] },
    { words: `"$(printf '%s' '{x}'; (printf z))"`, gives: (x: string) => [`${x}z`] },
    { words: "{x} # {x}", gives: (x: string) => [x] },
    { words: "{x} 2>/dev/null", gives: (x: string) => [x] },
    { words: "{{x}} '{{}}'", gives: () => ["{x}", "{}"] },
    {
      words: "\\${x}{x} \"\\${x}{x}\" '${x}{x}'",
      gives: (x: string) => ["${x}", "${x}", "${x}"].map((text) => text + x),
    },
  ])("gives the value as it is to: $words", ({ words, gives }) => {
    const cwd = tempDir();

    fc.assert(
      fc.property(VALUE, (value) => {
        const line = fillLine(String.raw`printf '%s\0' A ${words}`, value);

        expect(argumentsOf(line, cwd)).toEqual(["A", ...gives(value)]);
      }),
      { numRuns: 40 },
    );
    expect(readdirSync(cwd)).toEqual([]);
  });

  it("treats every value alike, however the template quotes", { timeout: 240_000 }, () => {
    const cwd = tempDir();
    const piece = fc.constantFrom(
      "'",
      '"',
      "\\",
      " ",
      "a",
      "$V",
      "${V}",
      "$",
      "{x}",
      "{x}",
      "{x}",
      "$(printf %s ",
      ")",
      "#",
      "=",
      "\n",
      "`",
      "(",

      "<<E",
      "~",
      "}}",
      "{{",
    );
    let compared = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), VALUE, (pieces, raw) => {
        // A substitution drops line breaks at its end, whoever wrote them.
        const value = `${raw}.`;
        const template = String.raw`set -f; IFS=; printf '%s\0' A${pieces.join("")}`;
        // The number of the shell's process is another one each time, also over two lines; shells disagree on a backslash at
        // the end.
        fc.pre(!template.replaceAll("\\\n", "").includes("$$") && !template.endsWith("\\"));
        const lines = fillBoth(template, value);
        fc.pre(lines !== undefined);
        const plain = argumentsOf(lines.plain, cwd);
        fc.pre(plain?.join().includes("MARK") === true);
        compared += 1;

        expect(argumentsOf(lines.filled, cwd)).toEqual(plain?.map((word) => word.replaceAll("MARK", () => value)));
        expect(readdirSync(cwd)).toEqual([]);
      }),
      { numRuns: 400, maxSkipsPerRun: 100 },
    );
    expect(compared).toBeGreaterThan(100);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it("is the same line for the program when it is a list", () => {
    fc.assert(
      fc.property(fc.array(VALUE, { minLength: 1, maxLength: 4 }), (words) => {
        const line = quoteCommand(["printf", String.raw`%s\0`, ...words]);

        expect(execFileSync("/bin/sh", ["-c", line]).toString("utf8").split("\0").slice(0, -1)).toEqual(words);
      }),
      { numRuns: 100 },
    );
  });
});

describe("a command without a shell", () => {
  it("gets the value as it is", () => {
    fc.assert(
      fc.property(VALUE, (value) => {
        expect(fill(["prog", "{x}", "--x={x}", "'{x}'", "${V}", "{{x}}"], value)).toEqual([
          "prog",
          value,
          `--x=${value}`,
          `'${value}'`,
          "${V}",
          "{x}",
        ]);
      }),
    );
  });
});

/** The line with a harmless value and with another; nothing when the template is refused. */
function fillBoth(template: string, value: string): { plain: string; filled: string } | undefined {
  try {
    return { plain: fillLine(template, "MARK"), filled: fillLine(template, value) };
  } catch (error) {
    // `$${V}` is a number and a placeholder.
    if (error instanceof AexpError) return undefined;
    throw error;
  }
}
