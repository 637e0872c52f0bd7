import { readConditions } from "../kb/conditions.ts";
import { readNote } from "../kb/knowledge-base.ts";
import { folderOf, identify } from "../kb/note-place.ts";
import { AexpError } from "../model/errors.ts";
import { type Exact, type ExactObject, toPythonJson } from "../model/exact-json.ts";
import { didYouMean } from "../model/nearest.ts";
import { requireText } from "./find-note.ts";
import type { Repo } from "./repo.ts";

/**
 * The parameters that `condition=NAME` stands for in an experiment; `undefined` when the run names no condition, or the
 * experiment knows none and the name is a label like any other.
 *
 * @throws {AexpError} `condition.unknown`, `condition.invalid`, `note.unreadable`
 */
export async function resolveCondition(
  repo: Repo,
  experimentId: string,
  parameters: ExactObject,
): Promise<ExactObject | undefined> {
  const name = parameters.get("condition");
  if (name === undefined || name === null) return undefined;
  const path = findExperimentPath(repo, experimentId);
  const experiment = path === undefined ? undefined : await readNote(repo.notes, path);
  if (experiment?.type !== "artifact") return undefined;
  const { conditions, faults } = readConditions(requireText(experiment).note);
  const block = typeof name === "string" ? conditions.get(name) : undefined;
  if (block !== undefined) return block;
  const fault = faults.find((candidate) => candidate.name === undefined || candidate.name === name);
  if (fault !== undefined) {
    throw new AexpError(`${experiment.path}: ${fault.message}`, {
      code: "condition.invalid",
      hint: "Repair the note, or add --no-resolve to take the name as a mere label. Nothing was registered.",
    });
  }
  if (conditions.size === 0 && faults.length === 0) return undefined;
  throw unknownCondition(experimentId, name, [...conditions.keys()]);
}

/** The note of an experiment, relative to the root; the first one when several claim the id. */
export function findExperimentPath(repo: Repo, experimentId: string): string | undefined {
  return repo.notes.list(folderOf("experiment"), "flat").files.find((path) => {
    const note = identify(path);
    return note?.type === "artifact" && note.id === experimentId;
  });
}

/** Warns of experiments that have no note, in a repository that has notes: it may be a slip of the pen. */
export function warnOfMissingNotes(repo: Repo, experimentIds: Iterable<string>): void {
  if (!repo.notes.exists()) return;
  for (const id of new Set(experimentIds)) {
    if (findExperimentPath(repo, id) === undefined)
      repo.warn(`there is no note of experiment ${id}; \`aexp experiment list\` shows those that there are`);
  }
}

function unknownCondition(experimentId: string, name: Exact, known: readonly string[]): AexpError {
  const text = typeof name === "string" ? name : toPythonJson(name);
  return new AexpError(`${experimentId} has no condition ${JSON.stringify(text)}.${didYouMean(text, known)}`, {
    code: "condition.unknown",
    hint: `It has ${known.length === 0 ? "none that can be used" : known.join(", ")}. Add --no-resolve to take the name as a mere label.`,
  });
}
