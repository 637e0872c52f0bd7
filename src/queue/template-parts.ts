import { AexpError } from "../model/errors.ts";

/**
 * Where a value stands, which decides how it is quoted: as a word of its own, inside a longer word, within single or
 * within double quotes of the template, or as it is.
 */
export type ValuePlace = "word" | "inside" | "single" | "double" | "raw";

/** A piece of a command: text as it will be, or a value to fill in. */
export type TemplatePart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly name: string; readonly place: ValuePlace };

/** What a brace opens. */
export interface Placeholder {
  readonly name: string;
  readonly isRaw: boolean;
  /** The index behind its closing brace. */
  readonly end: number;
}

/** Reads the placeholder whose brace is at `index`. @throws {AexpError} `queue.template_invalid` */
export function readPlaceholder(text: string, index: number): Placeholder {
  const close = text.indexOf("}", index);
  const body = close === -1 ? "" : text.slice(index + 1, close);
  if (close === -1 || body.includes("{") || body.trim() === "") {
    throw new AexpError(`the brace at ${JSON.stringify(text.slice(index, index + 30))} opens no placeholder`, {
      code: "queue.template_invalid",
      hint: "Write {{ and }} for braces that are meant for the program.",
    });
  }
  const [, name = body, raw] = /^(.*?)(\|raw)?$/s.exec(body) ?? [];
  return { name: name.trim(), isRaw: raw !== undefined, end: close + 1 };
}

/** The end of the shell's `${…}` that begins at `index`; `undefined` when it is none that can be told apart safely. */
export function endOfExpansion(text: string, index: number): number | undefined {
  let depth = 0;
  for (let at = index; at < text.length; at += 1) {
    if (text.startsWith("${", at)) {
      depth += 1;
      at += 1;
    } else if (text[at] === "}") {
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (/["'`\\{\n]/.test(text[at] ?? "") || text.startsWith("$(", at)) return undefined;
  }
  return undefined;
}

/** Reads one argument of a command without a shell. @throws {AexpError} `queue.template_invalid` */
export function readArgument(text: string): readonly TemplatePart[] {
  const parts = new PartList();
  for (let index = 0; index < text.length;) {
    const pair = text.slice(index, index + 2);
    const expansion = pair === "${" ? endOfExpansion(text, index) : undefined;
    if (expansion !== undefined) {
      parts.addText(text.slice(index, expansion));
      index = expansion;
    } else if (pair === "{{" || pair === "}}") {
      parts.addText(pair.slice(1));
      index += 2;
    } else if (pair.startsWith("{")) {
      const { name, end } = readPlaceholder(text, index);
      parts.addValue(name, "raw");
      index = end;
    } else {
      parts.addText(pair.slice(0, 1));
      index += 1;
    }
  }
  return parts.all;
}

/** Gathers parts, neighbouring texts as one. */
export class PartList {
  readonly all: TemplatePart[] = [];

  addText(text: string): void {
    const last = this.all.at(-1);
    if (last?.kind === "text") this.all[this.all.length - 1] = { kind: "text", text: last.text + text };
    else if (text !== "") this.all.push({ kind: "text", text });
  }

  addValue(name: string, place: ValuePlace): void {
    this.all.push({ kind: "value", name, place });
  }

  /** The last character before what comes next; `undefined` after a value, empty at the beginning. */
  get lastChar(): string | undefined {
    const last = this.all.at(-1);
    if (last === undefined) return "";
    return last.kind === "text" ? last.text.slice(-1) : undefined;
  }

  /** Takes the last character away again. */
  dropChar(): void {
    const last = this.all.pop();
    if (last?.kind === "text") this.addText(last.text.slice(0, -1));
  }
}
