import type { SharedChange } from "../../git/branch.ts";
import type { SyncOutcome } from "../../app/sync.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { plural } from "./plural.ts";

/** More files than these are counted only. */
const MAX_FILES = 20;
const GLYPHS = { added: "+", changed: "~", removed: "-" } as const;

/** What a sync did, a line each: what was committed, what came, what went out. */
export function renderSync(
  outcome: SyncOutcome,
  options: {
    readonly summarize: (changes: readonly SharedChange[]) => string;
    readonly isDryRun: boolean;
    readonly isPushWanted: boolean;
  },
): string {
  const { changes, received, commit, upstream } = outcome;
  const count = options.summarize(changes);
  if (options.isDryRun) {
    if (changes.length === 0) return "nothing to commit";
    return [
      `would commit ${count}${upstream === null ? "" : ` and push to ${toSafeLine(upstream)}`}`,
      ...list(changes),
    ].join("\n");
  }
  const lines = commit === null ? [] : [`committed ${count} as ${commit.slice(0, 8)}`, ...list(changes)];
  if (received.length > 0) lines.push(`received ${options.summarize(received)}`, ...list(received));
  lines.push(...sharing(outcome, options.isPushWanted));
  return lines.join("\n");
}

function sharing({ commit, received, pushed, upstream, attempts }: SyncOutcome, isPushWanted: boolean): string[] {
  if (upstream === null) {
    return [commit === null ? "nothing to commit" : "not pushed: this branch has no upstream"];
  }
  const target = toSafeLine(upstream);
  if (pushed > 0) {
    const tries = attempts > 1 ? ` (attempt ${attempts}: other machines were faster)` : "";
    return [`pushed ${plural(pushed, "commit")} to ${target}${tries}`];
  }
  if (!isPushWanted) return ["not pushed, as asked"];
  return commit === null && received.length === 0
    ? [`nothing to do: ${target} has everything`]
    : [`nothing to push: ${target} has everything`];
}

function list(changes: readonly SharedChange[]): string[] {
  const lines = changes.slice(0, MAX_FILES).map(({ kind, path }) => `  ${GLYPHS[kind]} ${toSafeLine(path)}`);
  const rest = changes.length - lines.length;
  return rest > 0 ? [...lines, `  … and ${rest} more`] : lines;
}
