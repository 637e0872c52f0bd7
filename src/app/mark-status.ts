import { parseInstant, toInstant } from "../model/clock.ts";
import { AexpError, messageOf } from "../model/errors.ts";
import { type JsonObject, type JsonValue, withoutUndefined } from "../model/json.ts";
import type { DocumentPatch, RunDocument, RunFacts } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { isLegalTransition, isTerminal, nextStatuses, type ReasonCode, type RunStatus } from "../run/run-status.ts";
import { type PromoteOptions, promoteRun } from "./promote-run.ts";
import type { Repo } from "./repo.ts";

/** Why a status was reached. */
export interface StatusReason {
  readonly code: ReasonCode;
  readonly message: string;
  readonly because?: JobId;
}

/** How an attempt ended. */
export interface AttemptOutcome {
  /** The document's current attempt, when absent. */
  readonly n?: number;
  readonly endedAtMs: number;
  readonly wallclockS: number | undefined;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly host: string;
  readonly metrics: JsonObject;
  /** The end of what the program wrote to stderr. */
  readonly stderrTail: string;
}

/** A change of a run's status, with all that belongs to it. */
export interface StatusChange {
  readonly to: RunStatus;
  /** Leaves a run alone that has another status by now than these. */
  readonly onlyFrom?: readonly RunStatus[] | undefined;
  /** The run got there by legal changes that its document has not seen. */
  readonly isCatchingUp?: boolean | undefined;
  readonly reason?: StatusReason | undefined;
  /** The attempt that ended with this change; an operator's change has none. */
  readonly attempt?: AttemptOutcome | undefined;
  /** Further keys of the same write. */
  readonly facts?: DocumentPatch | undefined;
  readonly promote?: PromoteOptions | undefined;
}

/** Decides by what the document says while nobody else writes it; `undefined` changes nothing. */
export type StatusDecision = (facts: RunFacts) => Promise<StatusChange | undefined>;

/** How a change is written. */
export interface MarkOptions {
  /** `later` leaves it to the caller to flush runs and ledger, once for many changes. */
  readonly durability?: "each" | "later";
}

/** What came of a change. A failed promotion has been told as a warning, and never undoes the change. */
export interface MarkOutcome {
  readonly document: RunDocument;
  readonly promotion: "written" | "unchanged" | "failed" | "none";
}

/** The keys of a run that begins its life: the one status that follows no other. */
export function initialFacts(repo: Repo, status: "created" | "queued" = "created"): JsonObject {
  return { status, created_at: toInstant(repo.clock.nowMs()) };
}

/** Enough of an error's end to see what it was. */
const MAX_STDERR_TAIL_BYTES = 2048;

/**
 * Changes the status of a run: the only writer of `status`. All keys of the change are one atomic write; a terminal
 * status is then promoted to the ledger.
 *
 * @throws {AexpError} `run.illegal_transition` (nothing was changed), and what updating the document throws
 */
export async function markStatus(
  repo: Repo,
  jobId: JobId,
  change: StatusChange | StatusDecision,
  { durability = "each" }: MarkOptions = {},
): Promise<MarkOutcome> {
  let made: StatusChange | undefined;
  const document = await repo.runs.updateDocument(
    jobId,
    async ({ facts }) => {
      made = typeof change === "function" ? await change(facts) : change;
      if (made === undefined) return undefined;
      const from = facts.status ?? "created";
      if (made.onlyFrom?.includes(from) === false) return undefined;
      if (made.isCatchingUp !== true && !isLegalTransition(from, made.to))
        throw illegalTransition(jobId, from, made.to);
      return { ...renamedLink(facts), ...toPatch(repo, facts, made) };
    },
    durability,
  );
  if (made === undefined || !isTerminal(made.to) || document.facts.status !== made.to) {
    return { document, promotion: "none" };
  }
  return { document, promotion: await promoteEnded(repo, jobId, made.to, { ...made.promote, durability }) };
}

/** Writes the ledger entry of a run that has ended. A failure is told as a warning and changes nothing else. */
export async function promoteEnded(
  repo: Repo,
  jobId: JobId,
  status: RunStatus,
  options: PromoteOptions,
): Promise<"written" | "unchanged" | "failed"> {
  try {
    return await promoteRun(repo, jobId, options);
  } catch (error) {
    repo.warn(
      `run ${jobId} is ${status}, but has no ledger entry yet: ${messageOf(error)}. \`aexp ledger backfill\` writes it`,
    );
    return "failed";
  }
}

function toPatch(repo: Repo, facts: RunFacts, change: StatusChange): DocumentPatch {
  const reason = toReasonValue(change.reason);
  if (!isTerminal(change.to)) return { status: change.to, reason, ...change.facts };
  const { attempt } = change;
  const startedMs = facts.started_at === undefined ? undefined : parseInstant(facts.started_at);
  // A clock that was set back must not end a run before it began.
  const endedAt = toInstant(Math.max(attempt?.endedAtMs ?? repo.clock.nowMs(), startedMs ?? 0));
  const outcome = attempt === undefined ? {} : toOutcomeKeys(facts, change.to, attempt, { reason, endedAt });
  return {
    status: change.to,
    reason,
    ended_at: endedAt,
    heartbeat_at: undefined,
    queue: queueAfter(facts, change, endedAt),
    ...outcome,
    ...change.facts,
  };
}

function toOutcomeKeys(
  facts: RunFacts,
  status: RunStatus,
  attempt: AttemptOutcome,
  { reason, endedAt }: { readonly reason: JsonValue | undefined; readonly endedAt: string },
): DocumentPatch {
  const n = attempt.n ?? facts.attempt ?? 1;
  const record = withoutUndefined({
    n,
    status,
    reason,
    started_at: facts.started_at,
    ended_at: endedAt,
    wallclock_s: attempt.wallclockS,
    exit_code: attempt.exitCode,
    signal: attempt.signal ?? undefined,
    host: attempt.host,
  });
  const earlier = (facts.attempts ?? [])
    .filter((known) => known.n !== n)
    .map((known) => withoutUndefined({ ...known, reason: toPlainReason(known.reason) }));
  return {
    wallclock_s: attempt.wallclockS,
    exit_code: attempt.exitCode,
    signal: attempt.signal ?? undefined,
    attempts: [...earlier, record],
    summary_metrics: Object.keys(attempt.metrics).length > 0 ? attempt.metrics : undefined,
  };
}

/** What is left of the queue's keys: no process any more, and the last error only while there is one. */
function queueAfter(facts: RunFacts, change: StatusChange, endedAt: string): JsonValue | undefined {
  const { proc: _proc, last_error: previous, ...kept } = facts.queue ?? {};
  const failed =
    change.to === "failed" && change.attempt !== undefined
      ? withoutUndefined({
          returncode: change.attempt.exitCode,
          stderr_tail: tailOf(change.attempt.stderrTail),
          failed_at: endedAt,
          cause: change.reason?.message,
        })
      : undefined;
  const lastError =
    failed ?? (change.to === "complete" || previous === undefined ? undefined : withoutUndefined({ ...previous }));
  const queue = withoutUndefined({ ...kept, last_error: lastError });
  return Object.keys(queue).length > 0 ? queue : undefined;
}

function tailOf(text: string): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_STDERR_TAIL_BYTES) return text;
  const tail = new TextDecoder().decode(bytes.subarray(-MAX_STDERR_TAIL_BYTES));
  // The first character may have been cut in the middle; what stands for it takes three bytes.
  return tail.replace(/^\uFFFD+/, "");
}

/** The old name of the run link goes with the next write. */
function renamedLink(facts: RunFacts): DocumentPatch {
  if (facts.limina === undefined) return {};
  return { limina: undefined, ...(facts.aexp === undefined ? { aexp: withoutUndefined({ ...facts.limina }) } : {}) };
}

function toReasonValue(reason: StatusReason | undefined): JsonValue | undefined {
  return reason === undefined
    ? undefined
    : withoutUndefined({ code: reason.code, message: reason.message, because: reason.because });
}

function toPlainReason(
  reason: { readonly code: string; readonly message?: string } | undefined,
): JsonValue | undefined {
  return reason === undefined ? undefined : withoutUndefined({ code: reason.code, message: reason.message });
}

function illegalTransition(jobId: JobId, from: RunStatus, to: RunStatus): AexpError {
  const next = nextStatuses(from);
  return new AexpError(
    from === to
      ? `run ${jobId} is ${from} already. Nothing was changed`
      : `run ${jobId} is ${from} and cannot become ${to}; from there it goes to ${next.join(", ")}. Nothing was changed`,
    { code: "run.illegal_transition", hint: `See where it stands with \`aexp runs show ${jobId}\`.` },
  );
}
