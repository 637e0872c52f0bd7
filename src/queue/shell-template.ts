import { AexpError } from "../model/errors.ts";
import { endOfExpansion, PartList, readPlaceholder, type TemplatePart } from "./template-parts.ts";

/** What the shell is within, at a place of a line; the innermost counts. */
type Context = "line" | "single" | "double" | "substitution" | "parentheses" | "backticks";

/**
 * Reads a line for a POSIX shell and says for each placeholder how its value must be quoted there. Where that cannot be
 * known for sure, the line is refused: a value must never be able to become a command. Comments are left alone.
 *
 * @throws {AexpError} `queue.template_invalid`
 */
export function readShellLine(line: string): readonly TemplatePart[] {
  return new ShellReader(line).read();
}

class ShellReader {
  readonly #line: string;
  readonly #parts = new PartList();
  readonly #contexts: Context[] = ["line"];
  /** A `case` in a substitution has brackets that close nothing. */
  readonly #isAmbiguous: boolean;
  #hereDocument: "none" | "announced" | "begun" = "none";
  /** Shells disagree on what `$'…'` is, and so on where its quote ends. */
  #hasDollarQuote = false;
  /** Where the last double quote was opened. */
  #quoteAt = -1;
  #at = 0;

  constructor(line: string) {
    this.#line = line;
    this.#isAmbiguous = line.includes("$(") && /\bcase\b/.test(line);
  }

  read(): readonly TemplatePart[] {
    while (this.#at < this.#line.length) this.#step();
    return this.#parts.all;
  }

  get #context(): Context {
    return this.#contexts.at(-1) ?? "line";
  }

  #step(): void {
    const char = this.#line[this.#at] ?? "";
    const pair = this.#line.slice(this.#at, this.#at + 2);
    if (pair === "{{" || pair === "}}") this.#copy(2, char);
    else if (char === "{") this.#placeholder();
    else if (pair === "${") this.#expansion();
    else if (pair === "\\$" && this.#line[this.#at + 2] === "{") this.#escapedExpansion();
    else if (this.#context === "single") this.#inSingleQuotes(char);
    else if (this.#context === "backticks") this.#inBackticks(char);
    else if (this.#context === "double") this.#inDoubleQuotes(char, pair);
    else this.#inCommand(char, pair);
  }

  #inSingleQuotes(char: string): void {
    this.#copy(1);
    if (char === "'") this.#contexts.pop();
  }

  #inBackticks(char: string): void {
    this.#copy(char === "\\" ? 2 : 1);
    if (char === "`") this.#contexts.pop();
  }

  #inDoubleQuotes(char: string, pair: string): void {
    if (char === "\\") {
      // Before anything else a backslash is a backslash, and must stay one when a value follows.
      if (/^\\[$`"\\\n]$/.test(pair)) this.#copy(2);
      else this.#copy(1, pair === "\\{" ? "\\\\" : "\\");
    } else if (pair === "$(") this.#open(2, "substitution");
    else if (char === "`") this.#open(1, "backticks");
    else if (char === '"') this.#close();
    else this.#copy(1);
  }

  #inCommand(char: string, pair: string): void {
    if (char === "\\" || pair === "$$") this.#copy(2);
    else if (pair === "$(") this.#open(2, "substitution");
    else if (char === "'") {
      this.#hasDollarQuote ||= this.#parts.lastChar === "$";
      this.#open(1, "single");
    } else if (char === '"') {
      this.#quoteAt = this.#at;
      this.#open(1, "double");
    } else if (char === "`") this.#open(1, "backticks");
    else if (char === "(" && this.#contexts.length > 1) this.#open(1, "parentheses");
    else if (char === ")" && this.#contexts.length > 1) this.#close();
    else if (char === "#" && /^[\s;&|()<>]?$/.test(this.#parts.lastChar ?? "x")) this.#comment();
    else {
      if (pair === "<<") this.#hereDocument = "announced";
      else if (char === "\n" && this.#hereDocument === "announced") this.#hereDocument = "begun";
      this.#copy(pair === "<<" ? 2 : 1);
    }
  }

  #copy(length: number, text = this.#line.slice(this.#at, this.#at + length)): void {
    this.#parts.addText(text);
    this.#at += length;
  }

  #open(length: number, context: Context): void {
    this.#copy(length);
    this.#contexts.push(context);
  }

  #close(): void {
    this.#copy(1);
    this.#contexts.pop();
  }

  #comment(): void {
    const end = this.#line.indexOf("\n", this.#at);
    this.#copy((end === -1 ? this.#line.length : end) - this.#at);
  }

  #expansion(): void {
    const end = endOfExpansion(this.#line, this.#at);
    if (end !== undefined) this.#copy(end - this.#at);
    else throw refused(JSON.stringify(this.#line.slice(this.#at, this.#at + 30)), "is too involved to be read");
  }

  /** `\${VAR}` is text to the shell, in single quotes with its backslash, and no placeholder either. */
  #escapedExpansion(): void {
    const end = endOfExpansion(this.#line, this.#at + 1);
    this.#copy(end === undefined ? 2 : end - this.#at);
  }

  #placeholder(): void {
    const { name, isRaw, end } = readPlaceholder(this.#line, this.#at);
    if (isRaw) this.#parts.addValue(name, "raw");
    else this.#quoted(name, end);
    this.#at = Math.max(this.#at, end);
  }

  #quoted(name: string, end: number): void {
    const problem = this.#problem();
    if (problem !== undefined) throw refused(`{${name}}`, problem);
    if (this.#context === "single") this.#parts.addValue(name, "single");
    else if (this.#context !== "double") this.#parts.addValue(name, this.#isWord(end) ? "word" : "inside");
    else if (this.#isQuotedAlone(end)) {
      // "{lr}" is the same as {lr}: the quotes of the template give way to those of the value.
      this.#parts.dropChar();
      this.#parts.addValue(name, "inside");
      this.#contexts.pop();
      this.#at = end + 1;
    } else this.#parts.addValue(name, "double");
  }

  #problem(): string | undefined {
    if (this.#context === "backticks") return "stands in `…`; write $(…)";
    if (this.#hasDollarQuote) return "stands in or after $'…', which not every sh knows";
    if (this.#hereDocument === "begun") return "stands in or after a here-document, where nothing can be quoted";
    if (this.#isAmbiguous) return "stands in a line that has both $(…) and case";
    return undefined;
  }

  #isQuotedAlone(end: number): boolean {
    return this.#quoteAt === this.#at - 1 && this.#line[end] === '"';
  }

  /** Whether the value is a word of its own, or what follows the = of an option. */
  #isWord(end: number): boolean {
    const before = this.#parts.lastChar ?? "x";
    return /^[\s=]$/.test(before) && /^(?:\s|$)/.test(this.#line.slice(end, end + 1));
  }
}

function refused(what: string, problem: string): AexpError {
  return new AexpError(`the command cannot be filled in safely: ${what} ${problem}`, {
    code: "queue.template_invalid",
    hint: "Move that part into a script, and give it the value as an argument.",
  });
}
