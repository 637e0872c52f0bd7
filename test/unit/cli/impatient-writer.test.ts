import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { ImpatientWriter } from "../../../src/cli/impatient-writer.ts";
import { tempDir } from "../../helpers/temp-dir.ts";

/** Both ends of a pipe, neither of which blocks. */
function openPipe(): { reader: number; writer: number } {
  const path = join(tempDir(), "pipe");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) };
}

function readAll(reader: number): string {
  const buffer = Buffer.alloc(1024 * 1024);
  let text = "";
  for (;;) {
    try {
      const count = readSync(reader, buffer);
      if (count === 0) return text;
      text += buffer.toString("utf8", 0, count);
    } catch {
      return text; // nothing there now
    }
  }
}

describe("ImpatientWriter", () => {
  it("finishes what was taken in part before anything else, and refuses texts until then", () => {
    const { reader, writer } = openPipe();
    const impatient = new ImpatientWriter(writer);
    const long = "x".repeat(1_000_000);
    expect(impatient.offer(long)).toBe("taken");
    expect(impatient.offer("y")).toBe("later");
    let text = "";
    for (let taken = "later"; taken === "later"; taken = impatient.offer("z")) text += readAll(reader);
    expect(text + readAll(reader)).toBe(`${long}z`);

    expect(impatient.offer(long)).toBe("taken");
    const begun = readAll(reader);
    const rest = Buffer.from(impatient.takeRest() ?? []).toString();
    expect(begun + rest).toBe(long);
    expect([impatient.takeRest(), impatient.offer("a")]).toEqual([undefined, "taken"]);
    closeSync(reader);
    closeSync(writer);
  });

  it("says when nobody reads any more", () => {
    const { reader, writer } = openPipe();
    const impatient = new ImpatientWriter(writer);
    closeSync(reader);
    expect(impatient.offer("a")).toBe("gone");
    closeSync(writer);
  });
});
