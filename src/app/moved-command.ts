import { type Move, relocate } from "../code/relocation.ts";
import type { ReproductionPlace } from "../code/reproduction-place.ts";
import type { TreeId } from "../code/code-identity.ts";
import type { RecordedCommand } from "./recorded-command.ts";

/** A command with the paths of a place. */
export interface MovedCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** It works in a folder outside of the repository, which is as it is now. */
  readonly isOutside: boolean;
}

/**
 * A recorded command as it is executed in a place: where it names files of the code, or the run's folder, it gets those of
 * the place. What the code of then does not have, such as data that git ignores, stays where it is.
 *
 * @param tree of a stage, whose command never named files of the user's own tree but as its inputs
 */
export function moveCommand(
  command: RecordedCommand,
  place: Pick<ReproductionPlace, "top" | "root" | "workspace" | "has">,
  tree: TreeId | undefined,
): MovedCommand {
  const { root, workspace } = command;
  const intoWorkspace: Move = {
    from: workspace,
    // Lists of inputs, which aexp wrote for the attempt.
    to: (rest) => (/^\/\.aexp\/attempt-\d+\//.test(rest) ? undefined : place.workspace + rest),
  };
  const intoCheckout: readonly Move[] =
    tree === undefined ? [] : [{ from: `${root}/.aexp/checkouts/${tree}`, to: (rest) => place.top + rest }];
  const intoCode: Move = {
    from: root,
    to: (rest) => (place.has(place.root + rest) ? place.root + rest : undefined),
  };
  const moves = [intoWorkspace, ...intoCheckout, ...(tree === undefined ? [intoCode] : [])];
  const always: Move = { from: root, to: (rest) => place.root + rest };
  const cwd = relocate(command.cwd, [intoWorkspace, ...intoCheckout, always]);
  const argv = command.argv.map((argument) => relocate(argument, moves));
  return { argv, cwd, isOutside: !isBelow(cwd, place.top) && !isBelow(cwd, place.workspace) };
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
