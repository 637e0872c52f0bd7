import { isAbsolute, relative } from "node:path";

import { AexpError } from "../model/errors.ts";
import { isJsonObject } from "../model/json.ts";
import { type CommandTemplate, fillTemplate, parseTemplate } from "../queue/command-template.ts";
import { parseTaskSpec } from "../queue/task-spec.ts";
import { toTemplateValues } from "../queue/template-values.ts";
import type { RunFacts } from "../run/document.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";
import { toProgram } from "./to-program.ts";

/** What a run executed, with the paths of then. */
export interface RecordedCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly timeoutMs: number | undefined;
  /** Where the repository and the run's folder were then. */
  readonly root: string;
  readonly workspace: string;
}

/** Of which run the command is asked for. */
export interface CommandQuestion {
  readonly row: RunRow;
  readonly facts: RunFacts;
  readonly attempt: number;
  /** What the user gives instead, with placeholders. */
  readonly template: CommandTemplate | undefined;
}

/**
 * The command of a run: as its attempt began it, as the queue was told, or as the user says now.
 *
 * @throws {AexpError} `reproduce.command_unknown`, and what a template or a spec that is wrong gives
 */
export function findRecordedCommand(repo: Repo, question: CommandQuestion): RecordedCommand {
  const { row, template } = question;
  const here = { root: repo.root, workspace: repo.runs.workspaceOf(row.jobId) };
  if (template !== undefined) {
    const values = toTemplateValues({ jobId: row.jobId, statePoint: row.statePoint, workspace: here.workspace });
    const command = fillTemplate(parseTemplate(template), values);
    return { ...toProgram(repo, { command, cwd: "" }), timeoutMs: undefined, ...here };
  }
  const found = row.isLocal ? (readAttempt(repo, question, here) ?? readSpec(repo, question, here)) : undefined;
  if (found !== undefined) return found;
  const where = row.isLocal ? "" : ` here; its files are on ${row.machine}`;
  throw new AexpError(`nothing says which command run ${row.jobId} executed${where}`, {
    code: "reproduce.command_unknown",
    hint: "Give it: --command 'python3 train.py --lr {lr}'; the run's parameters go where their names stand.",
  });
}

function readAttempt(
  repo: Repo,
  { row, attempt }: CommandQuestion,
  here: Pick<RecordedCommand, "root" | "workspace">,
): RecordedCommand | undefined {
  const record = repo.attempts.record(row.jobId, attempt, "command.json");
  if (!isJsonObject(record)) return undefined;
  const { argv, cwd, timeout_ms: timeout } = record;
  if (!isArgv(argv) || typeof cwd !== "string" || !isAbsolute(cwd)) return undefined;
  const timeoutMs = typeof timeout === "number" && timeout > 0 ? timeout : undefined;
  return { argv, cwd, timeoutMs, ...placesOfThen(repo, row, attempt, here) };
}

/** The repository may have been moved since: what the program was told tells where it was. */
function placesOfThen(
  repo: Repo,
  { jobId }: RunRow,
  attempt: number,
  here: Pick<RecordedCommand, "root" | "workspace">,
): Pick<RecordedCommand, "root" | "workspace"> {
  const record = repo.attempts.record(jobId, attempt, "env.json");
  const values = isJsonObject(record) ? record["values"] : undefined;
  const workspace = isJsonObject(values) ? values["AEXP_JOB_WORKSPACE"] : undefined;
  const below = `/${relative(here.root, here.workspace)}`;
  if (typeof workspace !== "string" || !isAbsolute(workspace) || !workspace.endsWith(below)) return here;
  return { root: workspace.slice(0, -below.length), workspace };
}

/** What the queue was told, when no attempt has left its command. A stage's has placeholders that nobody can fill. */
function readSpec(
  repo: Repo,
  { row, facts }: CommandQuestion,
  here: Pick<RecordedCommand, "root" | "workspace">,
): RecordedCommand | undefined {
  if (facts.queue?.spec === undefined) return undefined;
  const spec = parseTaskSpec(facts.queue.spec, `run ${row.jobId}`);
  return spec.stage === undefined ? { ...toProgram(repo, spec), timeoutMs: spec.timeoutMs, ...here } : undefined;
}

function isArgv(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string");
}
