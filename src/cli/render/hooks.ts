import { hookLine } from "../../hooks/hook-command.ts";
import { policyLine } from "../../hooks/policy-command.ts";
import type { HookReview } from "../../hooks/project-hooks.ts";
import { toSafeLine } from "../../model/terminal-text.ts";

/** Hooks, policies and the files that they name, as `--json` prints them. */
export interface HookReviewJson {
  readonly trust: HookReview["trust"];
  readonly hooks: readonly { readonly event: string; readonly command: string | readonly string[] }[];
  /** As they are written. */
  readonly policies: readonly { readonly policy: string; readonly section: unknown }[];
  readonly files: readonly { readonly path: string; readonly sha256: string | null }[];
}

export function toHookReviewJson({ trust, hooks, policies, files }: HookReview): HookReviewJson {
  return {
    trust,
    hooks: hooks.map(({ event, command }) => ({ event, command })),
    policies: policies.map(({ name, section }) => ({ policy: name, section })),
    files: files.map(({ path, digest }) => ({ path, sha256: digest === "unreadable" ? null : digest })),
  };
}

/** Everything that would be agreed to. */
export function renderHookReview({ hooks, policies, files }: HookReview): string {
  const width = Math.max(0, ...hooks.map(({ event }) => event.length), ...policies.map(({ name }) => name.length));
  return [
    ...(hooks.length === 0 ? [] : ["hooks of aexp.yaml:"]),
    ...hooks.map((hook) => `  ${hook.event.padEnd(width)}  ${toSafeLine(hookLine(hook))}`),
    ...(policies.length === 0 ? [] : ["policies of aexp.yaml, which submit runs:"]),
    ...policies.map((policy) => `  ${toSafeLine(policy.name.padEnd(width))}  ${toSafeLine(policyLine(policy))}`),
    ...(files.length === 0 ? [] : ["files of this repository that they name:"]),
    ...files.map(({ path, digest }) => `  ${digest.slice(0, 12)}  ${toSafeLine(path)}`),
  ].join("\n");
}
