import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import type { Alias } from "../queue/alias.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { isSuccess } from "../queue/transitions.ts";
import type { JobId } from "../run/job-id.ts";
import type { Repo } from "./repo.ts";
import { resolveJobId } from "./resolve-run.ts";

/** A run that somebody means, and perhaps one of its outputs. */
export interface RunReferred {
  readonly run: JobId;
  readonly output: string | undefined;
}

/**
 * What `RUN` or `RUN.output` means, where a run is an id, a prefix of one, `@last`, or an alias as in `@baseline`. An alias
 * that stands for an output means that one, unless another is named.
 *
 * @throws {AexpError} `alias.not_found`, `run.not_found`, `run.ambiguous`, `job_id.invalid`
 */
export async function resolveReference(
  repo: Repo,
  store: Pick<QueueStore, "aliases">,
  text: string,
): Promise<RunReferred> {
  const { run, output } = splitReference(text);
  if (!text.startsWith("@") || run === "@last") return { run: resolveJobId(repo, run), output };
  // The names of aliases may have dots, those of outputs have none.
  const aliases = await store.aliases();
  const whole = aliases.find(({ name }) => `@${name}` === text);
  if (whole !== undefined) return { run: whole.run, output: whole.output };
  const split = text.lastIndexOf(".");
  const alias = aliases.find(({ name }) => `@${name}` === text.slice(0, split));
  if (split > 0 && alias !== undefined) return { run: alias.run, output: text.slice(split + 1) };
  throw aliasNotFound(text.slice(1), aliases);
}

/**
 * The runs of a pipeline that have succeeded.
 *
 * @throws {AexpError} `pipeline.not_found`
 */
export async function findSucceededOf(
  store: Pick<QueueStore, "tasks">,
  groupId: string,
): Promise<readonly RunReferred[]> {
  const tasks = await store.tasks({ groupId });
  if (tasks.length === 0) {
    throw new AexpError(`there is no pipeline ${JSON.stringify(groupId)} in the queue`, {
      code: "pipeline.not_found",
      hint: "`aexp pipeline list` shows those that there are.",
    });
  }
  return tasks.filter(({ state }) => isSuccess(state)).map(({ id }) => ({ run: id, output: undefined }));
}

/** That nobody has set an alias of this name. */
export function aliasNotFound(name: string, aliases: readonly Alias[]): AexpError {
  const known = aliases.map((alias) => alias.name);
  return new AexpError(`there is no alias ${JSON.stringify(name)}.${didYouMean(name, known)}`, {
    code: "alias.not_found",
    hint: "`aexp alias list` shows those that there are; `aexp alias set NAME RUN` makes one.",
  });
}

function splitReference(text: string): { readonly run: string; readonly output: string | undefined } {
  const dot = text.indexOf(".");
  return dot === -1 ? { run: text, output: undefined } : { run: text.slice(0, dot), output: text.slice(dot + 1) };
}
