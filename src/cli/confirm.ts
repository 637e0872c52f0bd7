import { AexpError } from "../model/errors.ts";
import type { CliIo } from "./io.ts";

/**
 * Asks on stderr whether to go on. Where nobody can answer, the command needs a flag.
 *
 * @throws {AexpError} `cli.confirmation_needed`
 */
export async function confirm(io: CliIo, question: string): Promise<boolean> {
  const { stdin, stderr } = io;
  if (stdin === undefined) {
    throw new AexpError("nobody can be asked here, because standard input is no terminal. Nothing was changed", {
      code: "cli.confirmation_needed",
      hint: "Look at what is shown, and call it again with --yes.",
    });
  }
  const { createInterface } = await import("node:readline");
  stderr.write(`${question} [y/N] `);
  const lines = createInterface({ input: stdin, terminal: false });
  const answer = await new Promise<string>((resolve) => {
    lines.once("line", resolve);
    lines.once("close", () => resolve(""));
  });
  lines.close();
  return /^y(?:es)?$/i.test(answer.trim());
}
