import { fieldOf } from "../kb/note.ts";
import { AexpError } from "../model/errors.ts";
import { type Exact, ExactNumber } from "../model/exact-json.ts";
import type { CommandTemplate } from "../queue/command-template.ts";
import { findNote, requireText } from "./find-note.ts";
import type { Repo } from "./repo.ts";

/**
 * The command that an experiment's note gives its runs: `runner_command`, a line for `sh` or a list.
 *
 * @throws {AexpError} `queue.command_missing`, and what finding and reading the note throws
 */
export async function readRunnerCommand(repo: Repo, experimentId: string): Promise<CommandTemplate> {
  const note = await findNote(repo, experimentId, ["experiment"]);
  const value = fieldOf(requireText(note).note, "runner_command");
  if (typeof value === "string") return value;
  const list = toList(value);
  if (list !== undefined) return list;
  throw new AexpError(
    value === undefined
      ? `there is no command for the runs of ${experimentId}: its note has no runner_command`
      : `${note.path}: runner_command is neither a text nor a list of texts`,
    {
      code: "queue.command_missing",
      hint: "Add --command 'python3 train.py --lr {lr}', put it after two dashes, or write it into the note.",
    },
  );
}

function toList(value: Exact | undefined): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const texts = value.flatMap((item) =>
    typeof item === "string" ? [item] : item instanceof ExactNumber ? [item.text] : [],
  );
  return texts.length === value.length ? texts : undefined;
}
