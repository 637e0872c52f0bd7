import type { RunOutcome } from "../app/resolve-task.ts";
import { toSafeLine } from "../model/terminal-text.ts";
import type { BaseCommand } from "./base-command.ts";
import { EXIT } from "./exit-codes.ts";

/** What came of one run, as `--json` prints it. */
export interface OutcomeJson {
  readonly run: string;
  readonly outcome: string;
  readonly note?: string;
  readonly code?: string;
  readonly message?: string;
}

/** More runs than these are counted only. */
const MAX_NAMED = 20;

/**
 * Tells what came of several runs: a line each, failures on stderr. Some failures among many give exit code 3, nothing
 * but failures exit code 2.
 */
export function printOutcomes<Outcome extends string>(
  command: BaseCommand,
  runs: readonly RunOutcome<Outcome>[],
  words: Readonly<Record<Outcome, string>>,
): readonly OutcomeJson[] {
  const done = runs.flatMap(({ run, outcome, note }) => (outcome === "failed" ? [] : [{ run, outcome, note }]));
  for (const { run, outcome, note } of done.slice(0, MAX_NAMED)) {
    const said = note === undefined ? words[outcome] : `${words[outcome]} (${toSafeLine(note)})`;
    command.log(`${run.slice(0, 8)} ${said}`);
  }
  if (done.length > MAX_NAMED) command.log(`… ${done.length} runs in all`);
  const failed = runs.filter(({ outcome }) => outcome === "failed");
  for (const { run, message } of failed) command.io.stderr.write(`error: ${toSafeLine(message ?? run)}\n`);
  if (failed.length > 0) command.exitCode = failed.length === runs.length ? EXIT.usage : EXIT.partial;
  return runs.map((outcome) => ({ ...outcome }));
}
