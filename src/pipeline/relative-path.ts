import { AexpError } from "../model/errors.ts";

/**
 * One spelling of a path that must stay below its folder: no `.`, no doubled slashes, no slash at the end.
 *
 * @param what - how messages call it: "the path of an output"
 * @throws {AexpError} `pipeline.invalid`
 */
export function toRelativePath(text: string, what: string): string {
  checkCharacters(text, what);
  if (text.startsWith("/") || /^~(?:\/|$)/.test(text)) throw refused(text, what, "it must not be absolute");
  const parts: string[] = [];
  for (const part of text.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) throw refused(text, what, "it leaves the folder that it is relative to");
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  if (parts.length === 0) throw refused(text, what, "it names the folder itself, and must name something in it");
  return parts.join("/");
}

/**
 * Checks the path of something that no stage makes. It may be anywhere.
 *
 * @throws {AexpError} `pipeline.invalid`
 */
export function toExternalPath(text: string): string {
  const what = "the path of an input";
  checkCharacters(text, what);
  if (/^~(?:\/|$)/.test(text)) {
    throw refused(
      text,
      what,
      "~ means another folder for everyone; write it from the root of the repository, or from /",
    );
  }
  return text;
}

function checkCharacters(text: string, what: string): void {
  // No program could be given it in a line of a script.
  if (/[\u0000-\u001f\u007f]/.test(text)) throw refused(text, what, "it has a control character");
}

function refused(text: string, what: string, problem: string): AexpError {
  return new AexpError(`${JSON.stringify(text)} is not ${what}: ${problem}`, { code: "pipeline.invalid" });
}
