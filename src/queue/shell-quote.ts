/** Texts that every POSIX shell takes as they stand. `=` is not among them: in front of a command it assigns. */
const SAFE = /^[A-Za-z0-9_@%+:,./-]+$/;

/** Words that mean something to the shell where a command begins. */
const RESERVED = /^(?:if|then|else|elif|fi|do|done|case|esac|while|until|for|in)$/;

/** Whether a text needs no quotes to be one word of a POSIX shell. */
function isPlainWord(text: string): boolean {
  return SAFE.test(text) && !RESERVED.test(text);
}

/** A text as one word of a POSIX shell, whatever it holds. */
export function quoteForShell(text: string): string {
  return isPlainWord(text) ? text : `'${escapeInSingleQuotes(text)}'`;
}

/** A text as it stands between single quotes: they are closed and opened again around each of its own. */
export function escapeInSingleQuotes(text: string): string {
  return text.replaceAll("'", String.raw`'\''`);
}

/** A program and its arguments as a line for a POSIX shell. */
export function quoteCommand(argv: readonly string[]): string {
  return argv.map(quoteForShell).join(" ");
}
