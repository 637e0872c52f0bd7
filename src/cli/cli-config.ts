import { Config } from "@oclif/core/config";
import { fileURLToPath } from "node:url";

import type { CliIo } from "./io.ts";

/** The folder that holds our package.json, both from the sources and from the bundle. */
export const PACKAGE_ROOT = fileURLToPath(new URL("..", import.meta.url)).replace(/src[/\\]$/, "");

/**
 * As much of oclif's configuration as running one known command takes. Loading the real one reads package.json,
 * the manifest, themes and plugins, which costs more than the rest of a start; only help needs it.
 */
export class CliConfig extends Config {
  readonly io: CliIo;

  constructor(io: CliIo) {
    super({ root: PACKAGE_ROOT });
    this.io = io;
    this.bin = "aexp";
    this.topicSeparator = " ";
    this.userAgent = "aexp";
  }

  /** There are no plugins, hence no hooks. */
  override async runHook(): Promise<{ failures: []; successes: [] }> {
    return { failures: [], successes: [] };
  }
}
