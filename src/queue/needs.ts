import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import { findCycle } from "./need-cycle.ts";
import type { NeedCondition } from "./task.ts";

/** A need as it was written: a name, and when it is satisfied. */
export interface NeedText {
  readonly name: string;
  readonly condition: NeedCondition;
}

/** An entry of a submission, as far as names go. */
export interface NamedEntry {
  readonly name?: string | undefined;
  readonly needs: readonly NeedText[];
}

/** Reads `NAME` (its success is needed) or `NAME?` (its end, whatever it was). @throws {AexpError} `queue.unknown_need` */
export function parseNeed(text: string): NeedText {
  const [, name = "", mark] = /^(.*?)(\?)?$/s.exec(text.trim()) ?? [];
  if (name !== "") return { name, condition: mark === undefined ? "success" : "ended" };
  throw new AexpError(`${JSON.stringify(text)} names no run that is needed`, {
    code: "queue.unknown_need",
    hint: "Give a name or a job id; with a ? behind it, its failure will do as well.",
  });
}

/** Checks a name that others may need. @throws {AexpError} `cli.usage` */
function checkName(name: string): void {
  const looksLikeId = /^[0-9a-f]{4,32}$/.test(name);
  if (/^[A-Za-z0-9_][\w.-]{0,99}$/.test(name) && !looksLikeId) return;
  throw new AexpError(
    `${JSON.stringify(name)} cannot be the name of a run: ${looksLikeId ? "it looks like a job id" : "expected up to 100 letters, digits and . _ -"}`,
    { code: "cli.usage", hint: "Name it like train or eval-2." },
  );
}

/**
 * Checks the name of an entry and those that it needs, without looking at other entries.
 *
 * @throws {AexpError} `queue.duplicate_name`, and `cli.usage` for a name that cannot be one
 */
export function checkNames(entry: NamedEntry): void {
  checkNeededOnce(entry);
  if (entry.name !== undefined) checkName(entry.name);
}

/**
 * Checks that the entries of one submission have different names, and that their needs form no cycle.
 *
 * @throws {AexpError} `queue.duplicate_name`, `queue.cycle`
 */
export function checkNeeds(entries: readonly NamedEntry[]): void {
  const byName = new Map<string, NamedEntry>();
  for (const entry of entries) {
    const { name } = entry;
    if (name === undefined) continue;
    if (byName.has(name)) {
      throw new AexpError(`two entries have the name ${JSON.stringify(name)}. Nothing was queued`, {
        code: "queue.duplicate_name",
        hint: "Give each a name of its own; one name with a sweep stands for all runs of it.",
      });
    }
    byName.set(name, entry);
  }
  const cycle = findCycle(byName.keys(), (name) => (byName.get(name)?.needs ?? []).map((need) => need.name));
  if (cycle === undefined) return;
  throw new AexpError(`the needs form a cycle: ${cycle.join(" → ")}. Nothing was queued`, {
    code: "queue.cycle",
    hint: "Take one of these needs out.",
  });
}

function checkNeededOnce({ name, needs }: NamedEntry): void {
  const seen = new Set<string>();
  for (const need of needs) {
    if (seen.has(need.name)) {
      throw new AexpError(
        `${name === undefined ? "an entry" : JSON.stringify(name)} needs ${JSON.stringify(need.name)} twice. Nothing was queued`,
        { code: "queue.duplicate_name", hint: "Name it once, with or without the ?." },
      );
    }
    seen.add(need.name);
  }
}

/** The error of a need that names nothing known. */
export function unknownNeed(name: string, known: readonly string[]): AexpError {
  return new AexpError(
    `${JSON.stringify(name)} is needed, and names no run of this submission or of the queue.${didYouMean(name, known)} Nothing was queued`,
    {
      code: "queue.unknown_need",
      hint: "Give the name of an entry, a job id, or at least four of its first digits.",
    },
  );
}
