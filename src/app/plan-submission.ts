import type { ComputeRequest } from "../queue/compute-request.ts";
import { AexpError } from "../model/errors.ts";
import { toPythonJson } from "../model/exact-json.ts";
import { type CommandTemplate, fillTemplate, type ParsedTemplate, parseTemplate } from "../queue/command-template.ts";
import { checkNames, checkNeeds } from "../queue/needs.ts";
import { checkKind } from "../queue/pool.ts";
import type { NewTask } from "../queue/queue-store.ts";
import { countPoints, MAX_SWEEP_RUNS, sweepPoints } from "../queue/sweep.ts";
import { DEFAULT_RETRY, type ExecutorKind, type Need, type TaskSpec } from "../queue/task.ts";
import { toTemplateValues } from "../queue/template-values.ts";
import type { JobId } from "../run/job-id.ts";
import { atEntry } from "./at-entry.ts";
import { findExecutor } from "./find-executor.ts";
import { judgeRuns } from "./judge-submission.ts";
import { placeRun } from "./place-run.ts";
import { planRun, readPlanningContext } from "./register-run.ts";
import { warnOfMissingNotes } from "./resolve-condition.ts";
import type { Repo } from "./repo.ts";
import { resolveNeeds } from "./resolve-needs.ts";
import { readComputes } from "./read-computes.ts";
import { readRunnerCommand } from "./runner-command.ts";
import type {
  PlannedSubmission,
  QueueView,
  Submission,
  SubmissionEntry,
  SubmissionRequest,
  SubmissionRun,
  Verdict,
} from "./submission.ts";

/**
 * Works out all runs of a submission: ids, commands, needs, and which of them are to be queued. Everything that can be
 * wrong is found here. Nothing is written.
 *
 * @throws {AexpError} what {@link planRun} throws, `sweep.invalid`, `queue.command_missing`, `queue.cycle`,
 *   `queue.duplicate_name`, `queue.duplicate_task`, `queue.empty_group`, `queue.need_failed`, `queue.template_invalid`,
 *   `queue.not_portable`, `queue.unknown_lane`, `queue.unknown_need`, `queue.unknown_placeholder`
 */
export async function planSubmission(repo: Repo, queue: QueueView, request: SubmissionRequest): Promise<Submission> {
  for (const entry of request.entries) await atEntry(entry, () => checkNames(entry));
  checkNeeds(request.entries);
  const executors = await readExecutors(queue, request);
  warnOfMissingNotes(
    repo,
    request.entries.map(({ run }) => run.experimentId),
  );
  const runs = await planRuns(repo, request.entries);
  const verdicts = await judgeRuns(repo, queue, runs, request);
  const needs = await resolveNeeds(repo, queue, runs, verdicts);
  const templates = await readTemplates(repo, request.entries);
  const computes = await readComputes(repo, request.entries, executors);
  const needed = new Set([...needs.values()].flatMap((list) => list.map(({ run }) => run)));
  const planned: PlannedSubmission[] = [];
  for (const run of runs) {
    const verdict = verdicts.get(run.run.jobId);
    if (verdict === undefined) throw new Error(`run ${run.run.jobId} was not judged`);
    // Filled in for every run, so that a wrong placeholder is told whatever is complete already.
    const command = await atEntry(run.entry, () => toCommand(repo, run, templates));
    if (verdict.kind !== "queue") {
      planned.push({ ...run, verdict, task: undefined });
      continue;
    }
    const compute = computes.get(run.entry);
    const own = needs.get(run.entry) ?? [];
    const spec = toSpec(run.entry, command, { needs: own, graceMs: request.graceMs, compute });
    const executor = executors.get(run.entry) ?? "local";
    const { isShared = false, target } = request;
    const place = await atEntry(run.entry, () =>
      placeRun(
        repo.machineLabel,
        {
          run: run.run,
          template: templateOf(run.entry, templates).text,
          lastAttempt: verdict.lastAttempt,
          isTied: own.length > 0 || needed.has(run.run.jobId),
        },
        { isShared, target },
      ),
    );
    planned.push({ ...run, verdict, task: { ...toTask(repo, run, spec, { request, verdict, executor }), ...place } });
  }
  return { group: request.group, runs: planned };
}

async function planRuns(repo: Repo, entries: readonly SubmissionEntry[]): Promise<readonly SubmissionRun[]> {
  const total = entries.reduce((sum, { sweep }) => sum + countPoints(sweep), 0);
  if (total === 0) {
    throw new AexpError("there are no runs to queue", {
      code: "queue.empty_group",
      hint: "A plan needs an entry, and a sweep a value for each of its parameters.",
    });
  }
  if (total > MAX_SWEEP_RUNS) {
    throw new AexpError(`these are ${total} runs; at most ${MAX_SWEEP_RUNS} are queued at once`, {
      code: "sweep.invalid",
      hint: "Queue them in parts.",
    });
  }
  const context = await readPlanningContext(repo);
  const runs: SubmissionRun[] = [];
  const seen = new Map<JobId, SubmissionEntry>();
  for (const entry of entries) {
    await atEntry(entry, () => checkSweptKeys(entry));
    for (const point of sweepPoints(entry.sweep)) {
      const parameters = new Map([...entry.run.parameters, ...point]);
      const run = await atEntry(entry, () => planRun(repo, { ...entry.run, parameters }, context));
      const other = seen.get(run.jobId);
      if (other !== undefined) throw sameRun(run.jobId, other, entry);
      seen.set(run.jobId, entry);
      runs.push({ entry, run, point });
    }
  }
  return runs;
}

function checkSweptKeys({ sweep, run }: SubmissionEntry): void {
  const key = sweep.map((axis) => axis.key).find((swept) => run.parameters.has(swept));
  if (key === undefined) return;
  const value = toPythonJson(run.parameters.get(key) ?? null);
  throw new AexpError(
    `the key ${JSON.stringify(key)} is swept, and has the value ${value} as well. Nothing was queued`,
    { code: "sweep.invalid", hint: "Give it in one place." },
  );
}

function sameRun(jobId: JobId, first: SubmissionEntry, second: SubmissionEntry): AexpError {
  const places = [first, second].flatMap(({ place }) => place ?? []).join(" and ");
  return new AexpError(
    `two entries make the same run ${jobId}${places === "" ? "" : `: ${places}`}. Nothing was queued`,
    { code: "queue.duplicate_task", hint: "Leave one of them out, or give it another parameter." },
  );
}

/** Checks kinds and lanes, and finds out what will execute the runs of each entry. */
async function readExecutors(
  queue: QueueView,
  request: SubmissionRequest,
): Promise<ReadonlyMap<SubmissionEntry, ExecutorKind>> {
  const lanes = await queue.lanes();
  const executors = new Map<SubmissionEntry, ExecutorKind>();
  for (const entry of request.entries) {
    const { lane, kind } = entry;
    const executor = await atEntry(entry, () => {
      checkKind(kind);
      return findExecutor(lanes, lane);
    });
    executors.set(entry, request.executor ?? executor);
  }
  return executors;
}

/** A command as it was written, and as it was read. */
interface EntryTemplate {
  readonly text: CommandTemplate;
  readonly parsed: ParsedTemplate;
}

type EntryTemplates = ReadonlyMap<SubmissionEntry, EntryTemplate>;

async function readTemplates(repo: Repo, entries: readonly SubmissionEntry[]): Promise<EntryTemplates> {
  const templates = new Map<SubmissionEntry, EntryTemplate>();
  const ofExperiments = new Map<string, EntryTemplate>();
  for (const entry of entries) {
    const { experimentId } = entry.run;
    const template = await atEntry(entry, async () =>
      entry.command === undefined
        ? (ofExperiments.get(experimentId) ?? toTemplate(await readRunnerCommand(repo, experimentId)))
        : toTemplate(entry.command),
    );
    if (entry.command === undefined) ofExperiments.set(experimentId, template);
    templates.set(entry, template);
  }
  return templates;
}

function toTemplate(text: CommandTemplate): EntryTemplate {
  return { text, parsed: parseTemplate(text) };
}

function templateOf(entry: SubmissionEntry, templates: EntryTemplates): EntryTemplate {
  const template = templates.get(entry);
  if (template === undefined) throw new Error("an entry has no command");
  return template;
}

function toCommand(repo: Repo, { entry, run }: SubmissionRun, templates: EntryTemplates): TaskSpec["command"] {
  const { jobId, statePoint } = run;
  const values = toTemplateValues({ jobId, statePoint, workspace: repo.runs.workspaceOf(jobId) });
  return fillTemplate(templateOf(entry, templates).parsed, values);
}

function toSpec(
  entry: SubmissionEntry,
  command: TaskSpec["command"],
  {
    needs,
    graceMs,
    compute,
  }: { readonly needs: readonly Need[]; readonly graceMs: number; readonly compute: ComputeRequest | undefined },
): TaskSpec {
  const { lane, kind, priority, resources, retries, timeoutMs, name, tag } = entry;
  return {
    command,
    cwd: ".",
    lane,
    kind,
    priority,
    needs,
    resources,
    retry: { ...DEFAULT_RETRY, maxAttempts: retries + 1 },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    graceMs,
    ...(name === undefined ? {} : { name }),
    ...(tag === undefined ? {} : { tag }),
    ...(compute === undefined ? {} : { compute }),
  };
}

function toTask(
  repo: Repo,
  { entry, run }: SubmissionRun,
  spec: TaskSpec,
  {
    request,
    verdict,
    executor,
  }: { request: SubmissionRequest; verdict: Extract<Verdict, { kind: "queue" }>; executor: ExecutorKind },
): NewTask {
  return {
    id: run.jobId,
    experimentId: entry.run.experimentId,
    spec,
    caller: request.group.caller,
    owner: request.owner,
    machine: repo.machineLabel,
    executor,
    lastAttempt: verdict.lastAttempt,
    force: request.isForced,
  };
}
