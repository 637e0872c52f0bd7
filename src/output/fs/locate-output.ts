import { lstatSync, type Stats } from "node:fs";
import { join } from "node:path";

import { AexpError, messageOf } from "../../model/errors.ts";
import { fromText } from "../../model/byte-path.ts";
import { outputPathProblem } from "../declaration.ts";
import { isGone, unreadable } from "./tree-failure.ts";

/** Where an output is. */
export interface LocatedOutput {
  /** On this machine. */
  readonly path: string;
  readonly isFolder: boolean;
}

/**
 * Looks for an output in a run's folder. No part of the way may be a link: what is recorded has to be the run's own.
 *
 * @param path relative to the run's folder
 * @returns `undefined` when there is nothing
 * @throws {AexpError} `output.link_outside` for a link on the way or at its end, `output.unreadable`
 */
export function locateOutput(runFolder: string, path: string): LocatedOutput | undefined {
  const problem = outputPathProblem(path);
  if (problem !== undefined) throw new Error(`the path ${JSON.stringify(path)} of an output ${problem}`);
  let place = runFolder;
  let found: Stats | undefined;
  for (const part of path.split("/")) {
    if (found !== undefined && !found.isDirectory()) return undefined;
    place = join(place, part);
    found = lookAt(place);
    if (found === undefined) return undefined;
    if (found.isSymbolicLink()) throw linkOnTheWay(place, path);
  }
  return { path: place, isFolder: found?.isDirectory() === true };
}

function lookAt(place: string): Stats | undefined {
  try {
    return lstatSync(place);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw unreadable(fromText(place), messageOf(error), error);
  }
}

function linkOnTheWay(place: string, path: string): AexpError {
  return new AexpError(`${JSON.stringify(place)}, on the way to the output ${JSON.stringify(path)}, is a link`, {
    code: "output.link_outside",
    hint: "Let the command write the output itself, not a link to it.",
  });
}
