import { type KbNote, type KnowledgeBase, readNote } from "../kb/knowledge-base.ts";
import { folderOf } from "../kb/note-place.ts";
import type { NoteStore } from "../kb/kb-store.ts";
import { artifactIdOf, fieldOf } from "../kb/note.ts";
import type { Collector } from "./collector.ts";

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

/** Reads the notes `kb/research/experiments/E###-*.md`, and none of the others. */
export async function readExperiments(store: NoteStore, issues: Collector): Promise<Experiments> {
  const { files, problems } = store.list(folderOf("experiment"), "flat");
  for (const { path, problem } of problems) issues.add("kb.filesystem", problem, path);
  const notes: KbNote[] = [];
  for (const path of files) if (path.endsWith(".md")) notes.push(await readNote(store, path));
  return toExperiments(notes, problems);
}

/** The experiments among the notes. Where their folder could not be listed, nothing is known of them. */
export function toExperiments(notes: readonly KbNote[], problems: KnowledgeBase["problems"]): Experiments {
  const folder = folderOf("experiment");
  const isKept = !problems.some(({ path }) => `${folder}/`.startsWith(`${path}/`));
  const byId = new Map<string, Experiment[]>();
  for (const note of notes) {
    if (note.type !== "artifact" || note.kind !== "experiment") continue;
    const experiments = byId.get(note.id) ?? [];
    experiments.push(toExperiment(note));
    byId.set(note.id, experiments);
  }
  return { isKept, byId: (id) => byId.get(id) ?? [] };
}

function toExperiment({ path, content }: KbNote): Experiment {
  if (content.kind === "unreadable") {
    const place = content.line === undefined ? "" : ` (line ${content.line})`;
    return { path, hypothesisId: undefined, subHypothesisIds: [], problem: `${content.problem}${place}` };
  }
  const { note } = content.text;
  const listed = fieldOf(note, "sub_hypotheses");
  const items = Array.isArray(listed) ? listed : typeof listed === "string" ? listed.split(",") : [];
  return {
    path,
    hypothesisId: artifactIdOf(fieldOf(note, "hypothesis")),
    subHypothesisIds: items.flatMap((item) => artifactIdOf(item) ?? []),
    problem: undefined,
  };
}
