import { randomBytes } from "node:crypto";

import { AexpError } from "../model/errors.ts";

const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

/**
 * An id for a worker of this process: unique, because leases hang on it, with a name in front that people know.
 *
 * @param name what the user calls it; when absent, the machine is named
 * @throws {AexpError} `cli.usage`
 */
export function nameWorker(name: string | undefined, machineLabel: string): string {
  if (name !== undefined && !NAME.test(name)) {
    throw new AexpError(
      `${JSON.stringify(name)} is no name for a worker: expected up to 64 letters, digits and . _ -`,
      {
        code: "cli.usage",
        hint: "Name it like night or gpu-0.",
      },
    );
  }
  const label = name ?? (machineLabel.replaceAll(/[^\w.-]/g, "-").replace(/^[^A-Za-z0-9]+/, "") || "worker");
  return `${label}-${randomBytes(3).toString("hex")}`;
}
