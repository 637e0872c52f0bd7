import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import { readArgument, type TemplatePart } from "./template-parts.ts";
import { readShellLine } from "./shell-template.ts";
import { escapeInSingleQuotes, quoteForShell } from "./shell-quote.ts";

/** The command of a run with placeholders: a line for `sh`, or program and arguments that need no shell. */
export type CommandTemplate = string | readonly string[];

/** What placeholders stand for. */
export interface TemplateValues {
  valueOf(name: string): string | undefined;
  /** For "did you mean". */
  names(): readonly string[];
}

/** A template that was read once and is filled in for many runs. */
export type ParsedTemplate =
  | { readonly kind: "line"; readonly parts: readonly TemplatePart[] }
  | { readonly kind: "list"; readonly items: readonly (readonly TemplatePart[])[] };

/** Linux takes no longer single argument, and `sh -c` gets the line as one. */
const MAX_BYTES = 128 * 1024 - 1;

/**
 * Reads a command: `{lr}` stands for a parameter, `{model.layers}` for a nested one, `{{` and `}}` for braces, and
 * `${VAR}` is the shell's own. In a line, every value will be one word, also where the placeholder stands in quotes.
 *
 * @throws {AexpError} `queue.template_invalid`
 */
export function parseTemplate(template: CommandTemplate): ParsedTemplate {
  if (typeof template === "string") {
    if (template.trim() === "") throw emptyCommand();
    return { kind: "line", parts: readShellLine(template) };
  }
  const [program] = template;
  if (program === undefined || program.trim() === "") throw emptyCommand();
  return { kind: "list", items: template.map(readArgument) };
}

/**
 * The command of one run.
 *
 * @throws {AexpError} `queue.unknown_placeholder`; `queue.template_invalid` for a value that no program can be given
 */
export function fillTemplate(template: ParsedTemplate, values: TemplateValues): string | readonly string[] {
  if (template.kind === "list") return template.items.map((parts) => checked(fillArgument(parts, values)));
  return checked(template.parts.map((part) => fillPart(part, values)).join(""));
}

function fillArgument(parts: readonly TemplatePart[], values: TemplateValues): string {
  return parts.map((part) => (part.kind === "text" ? part.text : valueOf(part.name, values))).join("");
}

function fillPart(part: TemplatePart, values: TemplateValues): string {
  if (part.kind === "text") return part.text;
  const value = valueOf(part.name, values);
  switch (part.place) {
    case "raw":
      return value;
    case "single":
      return escapeInSingleQuotes(value);
    case "double":
      return `"'${escapeInSingleQuotes(value)}'"`;
    case "word":
      return quoteForShell(value);
    case "inside":
      // Without quotes it might join the name of a variable before it, or a redirection behind it.
      return `'${escapeInSingleQuotes(value)}'`;
  }
}

function valueOf(name: string, values: TemplateValues): string {
  const value = values.valueOf(name);
  if (value === undefined) throw unknownPlaceholder(name, values.names());
  if (!value.includes("\0")) return value;
  throw new AexpError(`the value of {${name}} holds a NUL character, which no program can be given`, {
    code: "queue.template_invalid",
    hint: "Give the program {job_id}, and let it read the value from the run's folder.",
  });
}

function checked(text: string): string {
  // No character has more than three bytes for each of its units.
  if (text.length * 3 <= MAX_BYTES) return text;
  const { length } = new TextEncoder().encode(text);
  if (length <= MAX_BYTES) return text;
  throw new AexpError(`the command is ${length} bytes long; the system takes ${MAX_BYTES}`, {
    code: "queue.template_invalid",
    hint: "Give the program {workspace}, and let it read signac_statepoint.json there.",
  });
}

function unknownPlaceholder(name: string, known: readonly string[]): AexpError {
  const looksLikeKey = /^[\w.-]+$/.test(name);
  const guess = looksLikeKey ? didYouMean(name, known) : "";
  return new AexpError(`the command has {${name}}, and the run has no such parameter.${guess}`, {
    code: "queue.unknown_placeholder",
    hint: `Known: ${known.join(", ")}. Write {{ and }} for braces that are meant for the program.`,
  });
}

function emptyCommand(): AexpError {
  return new AexpError("the command is empty", {
    code: "queue.template_invalid",
    hint: "Write it like --command 'python3 train.py --lr {lr}', or after two dashes.",
  });
}
