import { type Leak, leakFinder } from "../ledger/leak.ts";
import { AexpError } from "../model/errors.ts";
import { type ExactObject, toPythonJson } from "../model/exact-json.ts";
import type { JsonObject } from "../model/json.ts";
import { type JobId, toJobId } from "../run/job-id.ts";
import { buildStatePoint, type CodeIdentity } from "../run/state-point.ts";
import { initialFacts } from "./mark-status.ts";
import type { Repo } from "./repo.ts";
import { findExperimentPath, resolveCondition, warnOfMissingNotes } from "./resolve-condition.ts";

/** What the user says about a run. */
export interface RunRequest {
  readonly experimentId?: string | undefined;
  readonly hypothesisId?: string | undefined;
  readonly subHypothesisId?: string | undefined;
  readonly parameters: ExactObject;
  /** Leaves the commit out of the run's identity. */
  readonly isCodeIgnored?: boolean | undefined;
  readonly allowLocalPath?: boolean | undefined;
  /** Takes `condition` as a mere label instead of the parameters that the experiment gives it. */
  readonly isConditionKept?: boolean | undefined;
}

/** A run that has an id, and may not exist yet. */
export interface PlannedRun {
  readonly jobId: JobId;
  readonly statePoint: ExactObject;
  readonly code: CodeIdentity;
  readonly request: RunRequest;
}

/** What many runs that are planned together share, read once. */
export interface PlanningContext {
  readonly code: CodeIdentity;
  readonly conditionOf: (experimentId: string, parameters: ExactObject) => Promise<ExactObject | undefined>;
  readonly leaksOf: (statePoint: ExactObject) => readonly Leak[];
}

/**
 * Works out the state point and id of a run. Nothing is written.
 *
 * @param context for one of many runs, so that git and the notes are asked once
 * @throws {AexpError} `state_point.reserved_key`, `state_point.invalid`, `cli.usage`, `condition.*`, and `ledger.leaks_local_path` or
 *   `ledger.leaks_credential` for a state point that could never be committed
 */
export async function planRun(repo: Repo, request: RunRequest, context?: PlanningContext): Promise<PlannedRun> {
  checkNoteId("experiment", "E", request.experimentId);
  checkNoteId("hypothesis", "H", request.hypothesisId);
  checkNoteId("sub-hypothesis", "H", request.subHypothesisId);
  const { code, conditionOf, leaksOf } = context ?? (await readPlanningContext(repo));
  const condition =
    request.experimentId === undefined || request.isConditionKept === true
      ? undefined
      : await conditionOf(request.experimentId, request.parameters);
  const statePoint = buildStatePoint({
    experimentId: request.experimentId,
    hypothesisId: request.hypothesisId,
    subHypothesisId: request.subHypothesisId,
    code: request.isCodeIgnored === true ? undefined : code,
    condition,
    own: request.parameters,
  });
  checkCommittable(leaksOf(statePoint), request.allowLocalPath === true);
  return { jobId: toJobId(statePoint), statePoint, code, request };
}

/** Reads what planning needs; each condition of each experiment once. */
export async function readPlanningContext(repo: Repo): Promise<PlanningContext> {
  const known = new Map<string, Promise<ExactObject | undefined>>();
  const { redact } = await repo.readConfig();
  return {
    leaksOf: leakFinder({ root: repo.root, runStore: repo.runs.path, home: repo.home }, redact),
    code: await readCodeIdentity(repo),
    conditionOf: async (experimentId, parameters) => {
      const key = `${experimentId} ${toPythonJson(parameters.get("condition") ?? null)}`;
      const condition = known.get(key) ?? resolveCondition(repo, experimentId, parameters);
      known.set(key, condition);
      return await condition;
    },
  };
}

/**
 * Puts a planned run into the store, with status `created`; an existing one is left as it is.
 *
 * @throws {AexpError} `store.missing` before `aexp install`
 */
export async function registerRun(
  repo: Repo,
  plan: PlannedRun,
): Promise<{ readonly jobId: JobId; readonly isNew: boolean }> {
  requireStore(repo);
  const { request } = plan;
  if (request.experimentId !== undefined) warnOfMissingNotes(repo, [request.experimentId]);
  return await repo.runs.create(plan.statePoint, {
    ...(request.experimentId === undefined ? {} : { aexp: toRunLink(repo, request.experimentId, request) }),
    ...initialFacts(repo),
    local_path_allowed: request.allowLocalPath === true ? true : undefined,
  });
}

/** The run link as it stands in a document. */
export function toRunLink(
  repo: Repo,
  experimentId: string,
  ids: { readonly hypothesisId?: string | undefined; readonly subHypothesisId?: string | undefined },
): JsonObject {
  const path = findExperimentPath(repo, experimentId);
  return {
    experiment_id: experimentId,
    ...(path === undefined ? {} : { experiment_path: path }),
    hypothesis_id: ids.hypothesisId ?? null,
    sub_hypothesis_id: ids.subHypothesisId ?? null,
  };
}

/** Makes sure that `aexp install` was here. @throws {AexpError} `store.missing` */
export function requireStore(repo: Repo): void {
  if (repo.runs.exists()) return;
  throw new AexpError(`there is no run store in ${JSON.stringify(repo.runs.path)}`, {
    code: "store.missing",
    hint: "Run `aexp install`.",
  });
}

/** The folders whose changes do not count as changes of the code: aexp itself writes there. */
export function ownFolders(repo: Repo): readonly string[] {
  const store = repo.runs.path.startsWith(`${repo.root}/`) ? [repo.runs.path.slice(repo.root.length + 1)] : [];
  return [".aexp", "kb", ...store];
}

/** @throws {AexpError} `cli.usage` */
export function checkNoteId(what: string, prefix: string, id: string | undefined): void {
  if (id === undefined || new RegExp(`^${prefix}\\d{3,}$`).test(id)) return;
  throw new AexpError(`${JSON.stringify(id)} is no ${what} id: expected ${prefix} and at least three digits`, {
    code: "cli.usage",
    hint: `Name it like ${prefix}001.`,
  });
}

async function readCodeIdentity(repo: Repo): Promise<CodeIdentity> {
  const commit = await repo.git.headCommit();
  if (commit === undefined) return { commit: "", isDirty: false };
  return { commit, isDirty: (await repo.git.changedTrackedFiles(ownFolders(repo))).length > 0 };
}

function checkCommittable(leaks: readonly Leak[], isLocalPathAllowed: boolean): void {
  for (const { kind, path, problem } of leaks) {
    if (kind === "credential") {
      throw new AexpError(`this run could never be committed: its parameter ${path} ${problem}`, {
        code: "ledger.leaks_credential",
        hint: "Pass the secret in an environment variable. Nothing was registered.",
      });
    }
    if (!isLocalPathAllowed) {
      throw new AexpError(`this run could never be committed: its parameter ${path} ${problem}`, {
        code: "ledger.leaks_local_path",
        hint: "Use a path relative to the repository, or add --allow-local-path. Nothing was registered.",
      });
    }
  }
}
