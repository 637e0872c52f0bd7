import type { NoteChange } from "../kb/kb-store.ts";
import { readKnowledgeBase } from "../kb/knowledge-base.ts";
import { addLinks } from "../kb/body-edit.ts";
import { appendToList } from "../kb/frontmatter-edit.ts";
import { AexpError } from "../model/errors.ts";
import type { IssueCode } from "../validate/codes.ts";
import { LinkedNotes } from "../validate/linked-notes.ts";
import { planRepairs, type Repair } from "../validate/repairs.ts";
import { requireInstalled } from "./create-note.ts";
import type { Repo } from "./repo.ts";

/** Something that was put into a note. */
export interface NoteFix {
  /** The check that missed it. */
  readonly code: IssueCode;
  readonly path: string;
  readonly message: string;
}

/**
 * Adds the links between parents and children and the aliases that notes lack, and writes nothing else. A note whose
 * frontmatter has a shape that cannot be edited is left alone, with a warning.
 *
 * @param isSelected whether the user wants to hear about a note
 * @throws {AexpError} `repo.not_installed`, `note.*`, `environment.*`
 */
export async function fixNotes(repo: Repo, isSelected: (path: string) => boolean): Promise<readonly NoteFix[]> {
  // Without anything to do, nobody needs to wait for the others, and no file is made.
  if ((await readRepairs(repo, isSelected)).length === 0) return [];
  requireInstalled(repo);
  return await repo.notes.edit(async () => {
    const changes: NoteChange[] = [];
    const fixes: NoteFix[] = [];
    for (const repair of await readRepairs(repo, isSelected)) {
      const text = await applyRepair(repair, repo.warn);
      changes.push({ path: repair.path, text: text.text });
      fixes.push(...text.fixes);
    }
    return { changes, value: fixes };
  });
}

async function readRepairs({ notes }: Repo, isSelected: (path: string) => boolean): Promise<readonly Repair[]> {
  if (!notes.exists()) return [];
  return planRepairs(new LinkedNotes(await readKnowledgeBase(notes), (path) => notes.isFile(path)), isSelected);
}

async function applyRepair(
  { path, raw, aliases, links, lacksSection }: Repair,
  warn: (message: string) => void,
): Promise<{ readonly text: string; readonly fixes: readonly NoteFix[] }> {
  const fixes: NoteFix[] = [];
  let text = raw;
  const tryTo = async (
    what: string,
    edit: () => string | Promise<string>,
    fixed: readonly NoteFix[],
  ): Promise<void> => {
    try {
      text = await edit();
      fixes.push(...fixed);
    } catch (error) {
      if (!(error instanceof AexpError) || error.code !== "note.not_editable") throw error;
      warn(`${what} of ${path} cannot be repaired: ${error.message}`);
    }
  };
  if (links.size > 0) {
    await tryTo("links", () => addLinks(text, [...links.keys()]), [
      ...(lacksSection ? [{ code: "kb.missing_links_section", path, message: "added ## Links" } as const] : []),
      ...[...links].map(([target, code]) => ({ code, path, message: `added [[${target}]]` })),
    ]);
  }
  if (aliases.length > 0) {
    const added = aliases.map((alias) => ({ code: "kb.missing_alias", path, message: `added ${alias}` }) as const);
    await tryTo("aliases", () => appendToList(text, "aliases", aliases), added);
  }
  return { text, fixes };
}
