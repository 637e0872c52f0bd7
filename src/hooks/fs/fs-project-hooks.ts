import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";

import type { RunningCommand, StartCommand } from "../../executor/command.ts";
import type { Clock } from "../../model/clock.ts";
import { type Config, DEFAULT_CONFIG, type Hook } from "../../config/config.ts";
import { toHookArgv, wordsOf } from "../hook-command.ts";
import { wordsOfPolicies } from "../policy-command.ts";
import { fingerprintOf, type HookFile, type HookReview, type ProjectHooks } from "../project-hooks.ts";
import { CONFIG_PATH, loadConfig } from "../../config/fs/load-config.ts";
import { TrustStore } from "./trust-store.ts";

/** What a hook's command leaves running has so long to end. */
const GRACE_MS = 1000;

/** Where the hooks of a project are, and with what they are started. */
export interface FsProjectHooksOptions {
  readonly root: string;
  /** The file with the key that seals agreements, outside of the repository. */
  readonly keyPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly start: StartCommand;
}

/** The hooks and policies that `aexp.yaml` lists, with `.aexp/trusted.json` beside them. */
export class FsProjectHooks implements ProjectHooks {
  readonly #options: FsProjectHooksOptions;
  readonly #root: string;
  readonly #trust: TrustStore;
  #known: { readonly version: string; readonly config: Config } | undefined;

  constructor(options: FsProjectHooksOptions) {
    this.#options = options;
    this.#root = realpathSync(options.root);
    const file = join(this.#root, ".aexp", "trusted.json");
    this.#trust = new TrustStore({ file, key: options.keyPath, root: this.#root });
  }

  async read(): Promise<Config> {
    const found = statSync(join(this.#root, CONFIG_PATH), { bigint: true, throwIfNoEntry: false });
    if (found === undefined) return DEFAULT_CONFIG;
    const version = [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(" ");
    if (this.#known?.version !== version) this.#known = { version, config: await loadConfig(this.#root) };
    return this.#known.config;
  }

  async review(): Promise<HookReview> {
    const { hooks, policies: written } = await this.read();
    const policies = written.sections;
    const words = new Set([...wordsOf(hooks), ...wordsOfPolicies(policies)]);
    const files = [...words].toSorted().flatMap((word) => this.#readFile(word));
    const fingerprint = fingerprintOf({ hooks, policies, files });
    const agreed = this.#trust.read();
    const trust = agreed === fingerprint ? "trusted" : agreed === undefined ? "untrusted" : "changed";
    return { hooks, policies, files, fingerprint, trust };
  }

  async trust({ fingerprint }: HookReview): Promise<void> {
    await this.#trust.write(fingerprint, this.#options.clock.nowMs());
  }

  async revoke(): Promise<boolean> {
    return this.#trust.remove();
  }

  start(hook: Hook, input: string): RunningCommand {
    const { env, start } = this.#options;
    return start({
      argv: toHookArgv(hook, (name) => isFile(join(this.#root, name))),
      cwd: this.#root,
      env: { ...env, AEXP_EVENT: hook.event },
      streams: { input },
      graceMs: GRACE_MS,
    });
  }

  /** The file that a word names, when it is one of the repository. */
  #readFile(word: string): readonly HookFile[] {
    if (word.includes("\0")) return [];
    const path = resolve(this.#root, word);
    if (!path.startsWith(this.#root + sep) || !isFile(path)) return [];
    return [{ path: relative(this.#root, path), digest: digestOf(path) }];
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return false; // such as a word that is too long for a name
  }
}

/** A file that cannot be read has a digest as well, so that it is another once it can be. */
function digestOf(path: string): string {
  const sum = createHash("sha256");
  const chunk = Buffer.allocUnsafe(1024 * 1024);
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return "unreadable"; // executing it tells why
  }
  try {
    for (let count = readSync(descriptor, chunk); count > 0; count = readSync(descriptor, chunk)) {
      sum.update(chunk.subarray(0, count));
    }
    return sum.digest("hex");
  } finally {
    closeSync(descriptor);
  }
}
