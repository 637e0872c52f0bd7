import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { loadConfig } from "../../../src/config/fs/load-config.ts";
import { tempDir } from "../../helpers/temp-dir.ts";

function configure(text: string | Buffer): string {
  const root = tempDir();
  writeFileSync(join(root, "aexp.yaml"), text);
  return root;
}

describe("aexp.yaml", () => {
  it("has a default for every key", async () => {
    expect(await loadConfig(tempDir())).toEqual({ redact: [] });
    expect(await loadConfig(configure(""))).toEqual({ redact: [] });
    expect(await loadConfig(configure("redact: ['^patient-\\d+$']\r\n"))).toEqual({ redact: [/^patient-\d+$/u] });
  });

  it.each([
    ["redct: []", 'unknown key "redct". Did you mean "redact"?'],
    ["- a", "the file must hold keys and values"],
    ["redact: x", "redact: must be array"],
    ["redact: ['(']", "redact.0: Invalid regular expression"],
    ["a: [", "is not YAML"],
    ["redact: []\nredact: []", "is not YAML"],
    [Buffer.from([0xff, 0xfe]), "is not UTF-8"],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${"*a,".repeat(9)}]\nc: &c [${"*b,".repeat(9)}]\nd: [${"*c,".repeat(9)}]`,
      "is not YAML",
    ],
  ])("refuses %j", async (text, message) => {
    const failure = loadConfig(configure(text));
    await expect(failure).rejects.toMatchObject({ code: "config.invalid" });
    await expect(failure).rejects.toThrow(message);
  });
});
