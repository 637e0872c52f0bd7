import { hookLine } from "../../hooks/hook-command.ts";
import type { HookReview } from "../../hooks/project-hooks.ts";
import { toSafeLine } from "../../model/terminal-text.ts";

/** Hooks and the files that they name, as `--json` prints them. */
export interface HookReviewJson {
  readonly trust: HookReview["trust"];
  readonly hooks: readonly { readonly event: string; readonly command: string | readonly string[] }[];
  readonly files: readonly { readonly path: string; readonly sha256: string | null }[];
}

export function toHookReviewJson({ trust, hooks, files }: HookReview): HookReviewJson {
  return {
    trust,
    hooks: hooks.map(({ event, command }) => ({ event, command })),
    files: files.map(({ path, digest }) => ({ path, sha256: digest === "unreadable" ? null : digest })),
  };
}

/** Everything that would be agreed to. */
export function renderHookReview({ hooks, files }: HookReview): string {
  const width = Math.max(0, ...hooks.map(({ event }) => event.length));
  return [
    "hooks of aexp.yaml:",
    ...hooks.map((hook) => `  ${hook.event.padEnd(width)}  ${toSafeLine(hookLine(hook))}`),
    ...(files.length === 0 ? [] : ["files of this repository that they name:"]),
    ...files.map(({ path, digest }) => `  ${digest.slice(0, 12)}  ${toSafeLine(path)}`),
  ].join("\n");
}
