import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import type { TrustedHooks } from "../../generated/trusted.ts";
import { isTrusted } from "../../generated/validators.js";
import { toInstant } from "../../model/clock.ts";
import { AexpError, messageOf, systemErrorCode } from "../../model/errors.ts";
import { writeFileAtomically } from "../../platform/atomic-write.ts";
import { readTextFile } from "../../platform/read-file.ts";

const MAX_BYTES = 64 * 1024;
const KEY_PATTERN = /^[0-9a-f]{64}$/;

/**
 * To which hooks the user agreed, in a file of the clone. Since such a file could come by git as well, it is sealed with
 * a key that never leaves the user's own folder; one without a valid seal counts as absent.
 */
export class TrustStore {
  readonly #path: string;
  readonly #keyPath: string;
  readonly #root: string;

  constructor(paths: { readonly file: string; readonly key: string; readonly root: string }) {
    this.#path = paths.file;
    this.#keyPath = paths.key;
    this.#root = paths.root;
  }

  /** The fingerprint that was agreed to; `undefined` when there is none. */
  read(): string | undefined {
    const trusted = readTrusted(this.#path);
    const key = trusted === undefined ? undefined : this.#readKey();
    if (trusted === undefined || key === undefined) return undefined;
    const expected = Buffer.from(this.#seal(key, trusted.fingerprint));
    const found = Buffer.from(trusted.seal);
    return found.length === expected.length && timingSafeEqual(found, expected) ? trusted.fingerprint : undefined;
  }

  /** @throws {AexpError} `hook.key_unusable`, `environment.read_only`, `environment.disk_full` */
  async write(fingerprint: string, nowMs: number): Promise<void> {
    const seal = this.#seal(this.#readKey() ?? this.#createKey(), fingerprint);
    const trusted: TrustedHooks = { schema_version: 1, fingerprint, seal, trusted_at: toInstant(nowMs) };
    mkdirSync(dirname(this.#path), { recursive: true });
    await writeFileAtomically(this.#path, `${JSON.stringify(trusted, null, 2)}\n`, { mode: 0o600 });
  }

  /** @returns whether there was an agreement */
  remove(): boolean {
    const isThere = this.read() !== undefined;
    rmSync(this.#path, { force: true });
    return isThere;
  }

  #seal(key: string, fingerprint: string): string {
    return createHmac("sha256", Buffer.from(key, "hex"))
      .update(JSON.stringify([this.#root, fingerprint]))
      .digest("hex");
  }

  #readKey(): string | undefined {
    try {
      const key = readFileSync(this.#keyPath, "utf8").trim();
      return KEY_PATTERN.test(key) ? key : undefined;
    } catch {
      return undefined; // nobody has agreed to anything yet
    }
  }

  #createKey(): string {
    const key = randomBytes(32).toString("hex");
    try {
      mkdirSync(dirname(this.#keyPath), { recursive: true, mode: 0o700 });
      writeFileSync(this.#keyPath, `${key}\n`, { flag: "wx", mode: 0o600 });
      return key;
    } catch (error) {
      // Another process may have made it a moment ago.
      const other = systemErrorCode(error) === "EEXIST" ? this.#readKey() : undefined;
      if (other !== undefined) return other;
      throw new AexpError(`${JSON.stringify(this.#keyPath)} cannot be used as the key of trust: ${messageOf(error)}`, {
        code: "hook.key_unusable",
        hint: "Make the folder writable, remove a file there that is no key, or set XDG_STATE_HOME to another folder.",
        cause: error,
      });
    }
  }
}

function readTrusted(path: string): TrustedHooks | undefined {
  try {
    const value: unknown = JSON.parse(readTextFile(path, MAX_BYTES, { noFollow: true }));
    return isTrusted(value) ? value : undefined;
  } catch {
    return undefined; // what cannot be read is no agreement
  }
}
