import { aliasesOf } from "../kb/link-index.ts";
import { type LinkedNotes, textIn } from "./linked-notes.ts";
import { nameOf } from "./rules/kb/words.ts";

/** What a note lacks and may be given without a doubt. */
export interface Repair {
  readonly path: string;
  /** The text as it was read. */
  readonly raw: string;
  readonly aliases: readonly string[];
  /** Targets of links that the Links section lacks, with the code of the check that misses them. */
  readonly links: ReadonlyMap<string, "kb.required_link" | "kb.missing_backlink">;
  /** Whether there is no Links section to put them into. */
  readonly lacksSection: boolean;
}

/**
 * What can be repaired, by ascending path. A back-link is wanted when the user wants to hear about the parent or about
 * the child.
 */
export function planRepairs(notes: LinkedNotes, isSelected: (path: string) => boolean): readonly Repair[] {
  const links = new Map<string, Map<string, "kb.required_link" | "kb.missing_backlink">>();
  const want = (from: string, to: string, code: "kb.required_link" | "kb.missing_backlink"): void => {
    const target = notes.targetFor(to, from);
    const known = links.get(from) ?? new Map();
    if (!known.has(target)) known.set(target, code);
    links.set(from, known);
  };
  for (const note of notes.graph) {
    const isWanted = isSelected(note.path);
    if (textIn(note) === undefined) continue;
    for (const path of isWanted ? notes.missingLinksOf(note) : []) want(note.path, path, "kb.required_link");
    for (const { path } of notes.silentParentsOf(note)) {
      if (isWanted || isSelected(path)) want(path, note.path, "kb.missing_backlink");
    }
  }
  return notes.graph.flatMap((note): readonly Repair[] => {
    const text = textIn(note);
    if (text === undefined) return [];
    const name = nameOf(note);
    const aliases = isSelected(note.path) && !aliasesOf(note).includes(name) ? [name] : [];
    const wanted = links.get(note.path) ?? new Map();
    if (aliases.length === 0 && wanted.size === 0) return [];
    return [{ path: note.path, raw: text.raw, aliases, links: wanted, lacksSection: text.linksSection === undefined }];
  });
}
