import { AexpError, messageOf } from "../model/errors.ts";
import { toSafeText } from "../model/terminal-text.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit-codes.ts";

/** Where bugs are reported. */
const BUG_HINT =
  "This is a bug in aexp. Run the command again with DEBUG=aexp and report what it prints, with `aexp version`.";

/** An error as every surface shows it. */
export interface ReportedError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly exitCode: ExitCode;
}

/** Sorts any thrown value into an expected failure, wrong usage, or a bug. */
export function toReportedError(error: unknown): ReportedError {
  if (error instanceof AexpError) {
    const { code, message, hint } = error;
    return { code, message, ...(hint === undefined ? {} : { hint }), exitCode: exitCodeOf(code) };
  }
  if (isUsageError(error)) return { code: "cli.usage", ...splitUsage(error), exitCode: EXIT.usage };
  return { code: "bug", message: messageOf(error), hint: BUG_HINT, exitCode: EXIT.bug };
}

/** The two lines of an error, ready for stderr. */
export function renderError(error: ReportedError): string {
  const lines = [`error: ${toSafeText(error.message)}`];
  if (error.hint !== undefined) lines.push(`  ${toSafeText(error.hint)}`);
  return `${lines.join("\n")}\n`;
}

/** oclif's parser marks its errors with `oclif.exit`. */
function isUsageError(error: unknown): error is Error {
  return error instanceof Error && "oclif" in error;
}

function splitUsage(error: Error): { message: string; hint: string } {
  const [first = "wrong usage", ...rest] = error.message
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("See more help"));
  const hasHeading = /^The following errors? occurred:$/.test(first);
  return {
    message: hasHeading ? rest.join("; ") : [first, ...rest].join(" "),
    hint: "Add --help to see what this command takes.",
  };
}
