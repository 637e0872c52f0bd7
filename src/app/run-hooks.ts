import type { Hook } from "../config/config.ts";
import { hookLine } from "../hooks/hook-command.ts";
import type { HookReview, ProjectHooks } from "../hooks/project-hooks.ts";
import type { CommandEnd } from "../executor/command.ts";
import { toInstant } from "../model/clock.ts";
import { AexpError } from "../model/errors.ts";
import { toSafeLine } from "../model/terminal-text.ts";
import type { OutboxItem } from "../queue/queue-store.ts";
import type { Repo } from "./repo.ts";

/** A hook that takes longer is ended, with everything that it started. */
const TIME_LIMIT_MS = 30_000;
const GRACE_MS = 1000;

/** What was not trusted, and what this process has warned of. */
const warned = new Set<string>();

/**
 * Runs the hooks of one event, all at once, and waits for them. Each reads the event as a line of JSON. Hooks that the
 * user did not agree to on this machine are left out, with one warning.
 *
 * @throws {AexpError} `hook.failed` when one failed or took too long: all of them are to be run again later;
 *   `config.invalid`
 */
export async function deliverEvent(repo: Repo, item: OutboxItem, limitMs = TIME_LIMIT_MS): Promise<void> {
  const hooks = await repo.openHooks();
  const wanted = (await hooks.read()).hooks.filter(({ event }) => event === item.data["kind"]);
  if (wanted.length === 0) return;
  const { trust, fingerprint } = await hooks.review();
  if (trust !== "trusted") {
    warnOfUntrusted(repo, "hooks", { trust, fingerprint });
    return;
  }
  const input = `${JSON.stringify(toHookEvent(item))}\n`;
  const problems = (await Promise.all(wanted.map((hook) => runHook(hooks, hook, input, limitMs)))).flatMap(
    (problem) => problem ?? [],
  );
  if (problems.length > 0) throw new AexpError(problems.join("; "), { code: "hook.failed" });
}

/** Says once in a process what `aexp.yaml` lists and nobody agreed to, in one sentence with what to do. */
export function warnOfUntrusted(
  repo: Pick<Repo, "warn">,
  what: "hooks" | "policies",
  { trust, fingerprint }: Pick<HookReview, "trust" | "fingerprint">,
): void {
  const key = `${what} ${fingerprint}`;
  if (warned.has(key)) return;
  warned.add(key);
  const why =
    trust === "changed"
      ? `the ${what} of aexp.yaml, or a file that they name, changed since you trusted them`
      : `the ${what} of aexp.yaml are not trusted on this machine`;
  const none = what === "hooks" ? "none of them runs" : "they submit nothing";
  repo.warn(`${why}, so ${none}; look at them and agree with \`aexp trust\``);
}

/** An event as a hook reads it. The same event may come twice, with the same id. */
function toHookEvent({ data: { id, at, kind, runId, groupId, data } }: OutboxItem): Record<string, unknown> {
  return {
    id,
    at: typeof at === "number" ? toInstant(at) : at,
    kind,
    run_id: runId ?? null,
    group_id: groupId ?? null,
    data: data ?? {},
  };
}

/** @returns why it failed */
async function runHook(hooks: ProjectHooks, hook: Hook, input: string, limitMs: number): Promise<string | undefined> {
  const command = hooks.start(hook, input);
  let isTooLate = false;
  const limit = setTimeout(() => {
    isTooLate = true;
    command.stop(GRACE_MS);
  }, limitMs);
  const { cause, outputTail } = await command.ended;
  clearTimeout(limit);
  const end = isTooLate ? `took longer than ${limitMs / 1000} s and was ended` : problemOf(cause);
  const [lastLine = ""] = outputTail.trim().split("\n").slice(-1);
  return (
    end && `the hook ${JSON.stringify(hookLine(hook))} ${end}${lastLine === "" ? "" : `: ${toSafeLine(lastLine)}`}`
  );
}

function problemOf(cause: CommandEnd["cause"]): string | undefined {
  switch (cause.kind) {
    case "exited":
      return cause.exitCode === 0 ? undefined : `ended with exit ${cause.exitCode}`;
    case "signalled":
      return `was killed by ${cause.signal}`;
    case "not_started":
      return `could not be started (${cause.problem})`;
  }
}
