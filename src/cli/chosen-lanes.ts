import { AexpError } from "../model/errors.ts";

/** The lanes that a command is about: those named, or all with `--all`. @throws {AexpError} `cli.usage` */
export function toChosenLanes(names: readonly string[] | undefined, isAll: boolean): readonly string[] | undefined {
  const isNamed = names !== undefined && names.length > 0;
  if (isNamed !== isAll) return isAll ? undefined : names;
  throw new AexpError(isAll ? "lanes are named, and --all is given as well" : "no lane is named", {
    code: "cli.usage",
    hint: "Name lanes, or give --all; `aexp lane list` shows them.",
  });
}
