import type { Hook } from "../config/config.ts";

/** Whatever a shell takes as the end of a word, or of a part of one that may be a path. */
const BETWEEN_WORDS = /[\s;&|<>()'"`$={}]+/;

/** Where a shell writes to: a file that changes whenever the hook runs is no part of what it does. */
const REDIRECTION = /\d*>[>|]?\s*[^\s;&|<>()]+/g;

/** Every word of the hooks' commands that may be the path of a file that they read or execute, once each. */
export function wordsOf(hooks: readonly Hook[]): readonly string[] {
  return wordsOfTexts(hooks.flatMap(({ command }) => command));
}

/** Every word of commands that may be a path, once each. */
export function wordsOfTexts(texts: readonly string[]): readonly string[] {
  // Whole texts as well: the path of an argument may have blanks in it.
  const words = texts.flatMap((text) => [text, ...text.replaceAll(REDIRECTION, " ").split(BETWEEN_WORDS)]);
  return [...new Set(words)].filter((word) => word !== "").toSorted();
}

/**
 * Program and arguments of a hook. A program without a slash that is a file at the root of the repository is that file;
 * any other is looked for on the PATH.
 */
export function toHookArgv({ command }: Hook, isFileAtRoot: (name: string) => boolean): readonly string[] {
  if (typeof command !== "string") {
    const [program = "", ...args] = command;
    return [toProgram(program, isFileAtRoot), ...args];
  }
  const line = command.trim();
  const [first = ""] = line.split(/\s/, 1);
  const program = first.split(BETWEEN_WORDS, 1)[0] === first ? toProgram(first, isFileAtRoot) : first;
  return ["sh", "-c", `${program}${line.slice(first.length)}`];
}

function toProgram(name: string, isFileAtRoot: (name: string) => boolean): string {
  return !name.includes("/") && isFileAtRoot(name) ? `./${name}` : name;
}

/** A hook's command in one line, for messages. */
export function hookLine({ command }: Hook): string {
  return typeof command === "string"
    ? command
    : command.map((word) => (/\s/.test(word) ? JSON.stringify(word) : word)).join(" ");
}
