import type { InstallOutcome } from "../../app/install.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { plural } from "./plural.ts";

const WOULD = { created: "would create", updated: "would update", identical: "identical" } as const;

/** A line for each thing; folders of notes that are all alike share one. */
export function renderInstall({ steps, unchanged, dry_run: isDryRun, machine_label: label }: InstallOutcome): string {
  const notes = steps.filter(({ what }) => isNote(what));
  const folded = steps.flatMap((step) => {
    if (!isNote(step.what)) return [step];
    if (step !== notes[0]) return [];
    const changed = notes.filter(({ action }) => action !== "identical").map(({ what }) => what);
    if (changed.length === 0) return [{ what: "kb/ (notes)", action: "identical" } as const];
    return [{ what: `kb/ (${contentsOf(changed)})`, action: "created" } as const];
  });
  const lines = folded.map(({ what, action }) => {
    const word = isDryRun ? WOULD[action] : action;
    return `${word.padEnd(isDryRun ? 12 : 9)}  ${toSafeLine(what)}`;
  });
  const end = unchanged
    ? `Nothing to do: this repository is installed as ${label}.`
    : isDryRun
      ? "Nothing was written."
      : `Installed as ${label}. Commit and share with \`aexp sync\`.`;
  return [...lines, "", end].join("\n");
}

/** `3 notes, 7 folders for notes`. */
function contentsOf(paths: readonly string[]): string {
  const folders = paths.filter((path) => path.endsWith("/.gitkeep")).length;
  const notes = paths.length - folders;
  return [
    ...(notes === 0 ? [] : [plural(notes, "note")]),
    ...(folders === 0 ? [] : [`${plural(folders, "folder")} for notes`]),
  ].join(", ");
}

function isNote(what: string): boolean {
  return what.startsWith("kb/");
}
