import { join } from "node:path";

import { AexpError, systemErrorCode } from "../../model/errors.ts";
import { readTextFile } from "../../platform/read-file.ts";

/** `.signac/config` exactly as signac 2 writes it. */
export const PROJECT_CONFIG = "schema_version = 2\n";

/**
 * Whether `path` is a signac 2 project. The file is INI-like: quotes, comments, sections, CRLF and a byte-order mark
 * are all accepted by signac.
 *
 * @throws {AexpError} `store.unsupported` for a project of another version
 */
export function checkProjectConfig(path: string): boolean {
  const file = join(path, ".signac", "config");
  let text: string;
  try {
    text = readTextFile(file, 1024 * 1024);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR") return false;
    throw error;
  }
  const version = schemaVersion(text);
  if (version === "2") return true;
  throw new AexpError(
    `${JSON.stringify(file)} names schema version ${JSON.stringify(version ?? "1")}; expected a signac 2 project ("2")`,
    {
      code: "store.unsupported",
      hint: "Run `signac migrate` on an older project, or choose another folder with `aexp install --run-store`.",
    },
  );
}

function schemaVersion(text: string): string | undefined {
  // Keys of a section are indented or follow a [header]; the version stands before the first one.
  const [top = ""] = text.replace(/^\ufeff/, "").split(/^\s*\[/m);
  const found = /^[ \t]*schema_version[ \t]*=[ \t]*(?:"([^"\r\n]*)"|'([^'\r\n]*)'|([^#\r\n]*))/m.exec(top);
  return found === null ? undefined : (found[1] ?? found[2] ?? found[3] ?? "").trim();
}
