import { kindOfId } from "../kb/artifact.ts";
import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import { isJobId, type JobId } from "../run/job-id.ts";
import { topicOf } from "./find-note.ts";
import type { Repo } from "./repo.ts";

/** The shortest prefix that names a run. */
const MIN_PREFIX = 4;
/** How many candidates a message lists. */
const MAX_LISTED = 10;

/**
 * The run that a user means: a full id, a unique prefix of at least four characters, or `@last` for the newest local
 * run. Local runs and ledger entries count alike.
 *
 * @throws {AexpError} `run.not_found`, `run.ambiguous`, `job_id.invalid`
 */
export function resolveJobId(repo: Repo, text: string): JobId {
  if (text === "@last") return newestRun(repo);
  if (isJobId(text)) {
    if (repo.runs.has(text) || repo.ledger.has(text)) return text;
    const known = [...repo.runs.listJobIds(), ...repo.ledger.listJobIds()];
    throw notFound(
      `there is no run ${text} here, neither in the run store nor in the ledger.${didYouMean(text, known)}`,
    );
  }
  if (!/^[0-9a-f]+$/.test(text) || text.length < MIN_PREFIX || text.length > 32) {
    throw new AexpError(
      `${JSON.stringify(text)} names no run: expected a job id, at least ${MIN_PREFIX} of its first hex digits, or @last`,
      { code: "job_id.invalid", hint: hintFor(text) },
    );
  }
  const known = new Set([...repo.runs.listJobIds(), ...repo.ledger.listJobIds()]);
  const candidates = [...known].filter((jobId) => jobId.startsWith(text)).toSorted();
  const [first, second] = candidates;
  if (first === undefined) throw notFound(`no run begins with ${JSON.stringify(text)}`);
  if (second === undefined) return first;
  throw ambiguous(text, candidates);
}

function hintFor(text: string): string {
  const kind = kindOfId(text);
  return kind === undefined
    ? "Copy the id from `aexp runs list`."
    : `${text} is a note: \`aexp ${topicOf(kind)} show ${text}\` shows it.`;
}

function newestRun(repo: Repo): JobId {
  const newest = repo.runs.newestJobId();
  if (newest === undefined) throw notFound("there is no run here yet, so @last names none");
  return newest;
}

function notFound(message: string): AexpError {
  return new AexpError(message, {
    code: "run.not_found",
    hint: "`aexp runs list` shows what is here; runs of other machines come with `git pull`.",
  });
}

function ambiguous(text: string, candidates: readonly JobId[]): AexpError {
  const rest = candidates.length - MAX_LISTED;
  const listed = candidates.slice(0, MAX_LISTED).join(", ") + (rest > 0 ? ` … and ${rest} more` : "");
  return new AexpError(`${JSON.stringify(text)} could be any of ${candidates.length} runs: ${listed}`, {
    code: "run.ambiguous",
    hint: "Give more digits of the id.",
  });
}
