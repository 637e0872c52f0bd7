import { AexpError } from "../model/errors.ts";
import { type PlannedFile, planned } from "./plan.ts";
import type { TextFiles } from "./text-files.ts";

const SIGN = "# Written by `aexp install --git-hooks`.";

/** The hook that validates before every push; the hook that was there before it runs first. */
const HOOK = `#!/bin/sh
${SIGN}
previous="$(dirname "$0")/pre-push.before-aexp"
if [ -x "$previous" ]; then
  "$previous" "$@" || exit $?
fi
if ! command -v aexp >/dev/null 2>&1; then
  echo "aexp is not on the PATH: this push is not validated" >&2
  exit 0
fi
exec aexp validate </dev/null >&2
`;

/**
 * The files that make git validate before it pushes. A hook that is there is kept beside ours, byte for byte, and
 * called by it.
 *
 * @throws {AexpError} `install.hooks_elsewhere` when git looks for hooks in a folder that other repositories share
 */
export function planPushHook(
  files: TextFiles,
  folder: { readonly path: string; readonly isOwn: boolean },
): readonly PlannedFile[] {
  if (!folder.isOwn) {
    throw new AexpError(`git looks for hooks in ${JSON.stringify(folder.path)}, which other repositories may share`, {
      code: "install.hooks_elsewhere",
      hint: "Call `aexp validate` from the pre-push hook there, or unset core.hooksPath for this repository.",
    });
  }
  const hook = `${folder.path}/pre-push`;
  const kept = `${folder.path}/pre-push.before-aexp`;
  const before = files.read(hook);
  if (before === HOOK) return [{ path: hook, action: "identical", text: HOOK }];
  const ours = planned(files, {
    path: hook,
    action: before === undefined ? "create" : "update",
    text: HOOK,
    mode: 0o755,
  });
  if (before === undefined || before.includes(SIGN)) return [ours];
  return [...keep(files, kept, before, files.isExecutable(hook) ? 0o755 : 0o644), ours];
}

function keep(files: TextFiles, path: string, text: string, mode: number): readonly PlannedFile[] {
  const there = files.read(path);
  if (there === text) return [];
  if (there === undefined) return [planned(files, { path, action: "create", text, mode })];
  throw new AexpError(`${JSON.stringify(path)} exists and differs from the pre-push hook that it should keep`, {
    code: "install.path_blocked",
    hint: "Look at both files, and delete the one that is not needed.",
  });
}
