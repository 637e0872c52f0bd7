import { AexpError } from "../model/errors.ts";
import type { TextFiles } from "./text-files.ts";

/** Folders that are something else already. */
const TAKEN = [".git", ".aexp", "kb"];

/**
 * The path of the run store relative to the root, in its plainest spelling.
 *
 * @throws {AexpError} `install.store_invalid` when it is not a folder of its own inside the repository
 */
export function checkRunStorePath(files: TextFiles, path: string): string {
  const plain = path
    .replaceAll("\\", "/")
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
  const [first = ""] = plain.split("/");
  if (path.startsWith("/") || /^[a-zA-Z]:/.test(path) || plain.split("/").includes("..")) {
    throw invalid(path, "is not inside the repository");
  }
  if (plain === "" || TAKEN.includes(first.toLowerCase())) throw invalid(path, "is no folder of its own");
  if (/[\u0000-\u001f\u007f]/.test(plain)) throw invalid(path, "has control characters");
  if (!files.isInside(plain)) throw invalid(path, "leads out of the repository through a symbolic link");
  if (!["nothing", "folder"].includes(files.kind(plain))) throw invalid(path, "is not a folder");
  return plain;
}

function invalid(path: string, problem: string): AexpError {
  return new AexpError(`the run store ${JSON.stringify(path)} ${problem}`, {
    code: "install.store_invalid",
    hint: "Name a folder relative to the root of the repository, such as --run-store .runs.",
  });
}
