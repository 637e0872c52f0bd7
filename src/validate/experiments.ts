import type { NoteStore } from "../kb/kb-store.ts";
import { artifactIdOf, fieldOf, parseNote } from "../kb/note.ts";

/** What the run checks need of an experiment's note. */
export interface Experiment {
  readonly path: string;
  readonly hypothesisId: string | undefined;
  readonly subHypothesisIds: readonly string[];
  /** Why the note cannot be read; the two fields above are then empty. */
  readonly problem: string | undefined;
}

/** The experiment notes of the knowledge base, by id. */
export interface Experiments {
  /** Whether there is a knowledge base that runs can be linked to. */
  readonly isKept: boolean;
  /** All notes of an id: none, one, or too many. */
  byId(experimentId: string): readonly Experiment[];
}

/** Reads the notes `kb/research/experiments/E###-*.md`. */
export async function readExperiments(notes: NoteStore): Promise<Experiments> {
  const byId = new Map<string, Experiment[]>();
  for (const name of notes.list("research/experiments")) {
    const id = /^E\d{3,}(?=-.*\.md$|\.md$)/.exec(name)?.[0];
    if (id === undefined) continue;
    const experiments = byId.get(id) ?? [];
    experiments.push(await readExperiment(notes, name));
    byId.set(id, experiments);
  }
  return { isKept: notes.exists(), byId: (id) => byId.get(id) ?? [] };
}

/** What stands in for the notes where they are not needed. */
export const NO_EXPERIMENTS: Experiments = { isKept: false, byId: () => [] };

async function readExperiment(notes: NoteStore, name: string): Promise<Experiment> {
  const path = `kb/research/experiments/${name}`;
  const failed = (problem: string): Experiment => ({ path, hypothesisId: undefined, subHypothesisIds: [], problem });
  const file = notes.read("research/experiments", name);
  if (file.kind === "unreadable") return failed(file.problem);
  const read = await parseNote(file.text);
  if (read.kind === "unreadable") return failed(`${read.problem.message} (line ${read.problem.line})`);
  const listed = fieldOf(read.note, "sub_hypotheses");
  const items = Array.isArray(listed) ? listed : typeof listed === "string" ? listed.split(",") : [];
  return {
    path,
    hypothesisId: artifactIdOf(fieldOf(read.note, "hypothesis")),
    subHypothesisIds: items.flatMap((item) => artifactIdOf(item) ?? []),
    problem: undefined,
  };
}
