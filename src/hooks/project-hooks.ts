import { hash } from "node:crypto";

import type { RunningCommand } from "../executor/command.ts";
import type { Config, Hook, PolicySection } from "../config/config.ts";

/** A file of the repository that a hook or a policy names. */
export interface HookFile {
  /** Relative to the root. */
  readonly path: string;
  /** Of its content. */
  readonly digest: string;
}

/** All hooks and policies of a project as they are now, and whether the user of this machine agreed to exactly these. */
export interface HookReview {
  readonly hooks: readonly Hook[];
  readonly policies: readonly PolicySection[];
  readonly files: readonly HookFile[];
  /** Of all that; another one means that a hook, a policy, or a file that one names, is another. */
  readonly fingerprint: string;
  /** `changed`: to others of this project the user did agree. */
  readonly trust: "trusted" | "untrusted" | "changed";
}

/**
 * The hooks and policies of a project on this machine. They come by `git pull`, so nothing of them runs before the user
 * agreed.
 */
export interface ProjectHooks {
  /** What `aexp.yaml` says now; cheap to ask again and again. @throws {AexpError} `config.invalid` */
  read(): Promise<Pick<Config, "hooks" | "policies">>;
  /** Reads every file that a hook or a policy names. @throws {AexpError} `config.invalid` */
  review(): Promise<HookReview>;
  /** Remembers that the user agreed to what was reviewed. @throws {AexpError} `hook.key_unusable` */
  trust(review: HookReview): Promise<void>;
  /** Takes the agreement back. @returns whether there was one */
  revoke(): Promise<boolean>;
  /** Starts the command of a hook, which reads `input`. */
  start(hook: Hook, input: string): RunningCommand;
}

export function fingerprintOf({ hooks, policies, files }: Pick<HookReview, "hooks" | "policies" | "files">): string {
  const facts: unknown[] = [
    hooks.map(({ event, command }) => [event, command]),
    files.map(({ path, digest }) => [path, digest]),
  ];
  // Without policies it is what it was before there were any, so that nobody has to agree once more.
  if (policies.length > 0) facts.push(policies.map(({ name, section }) => [name, section]));
  return hash("sha256", JSON.stringify(facts));
}
