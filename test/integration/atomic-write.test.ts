import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

import { writeFileAtomically } from "../../src/platform/atomic-write.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const textOf = (name: string, round: number): string => `${name} ${round} `.repeat(1000);

it("replaces many files of one folder at a time, each whole, and leaves nothing else", async () => {
  const folder = tempDir();
  const names = Array.from({ length: 20 }, (_, index) => `file-${index}`);
  for (const name of names) writeFileSync(join(folder, name), "old");
  for (const round of [1, 2]) {
    const write = (name: string) =>
      writeFileAtomically(join(folder, name), textOf(name, round), { durability: "later", isReplacement: true });
    await Promise.all(names.map(write));
  }

  expect(readdirSync(folder).toSorted()).toEqual(names.toSorted());
  expect(names.map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(names.map((name) => textOf(name, 2)));
});

it("leaves no temporary file when it fails", async () => {
  const folder = tempDir();
  mkdirSync(join(folder, "there"));

  const write = writeFileAtomically(join(folder, "there"), "x", { durability: "later", isReplacement: true });

  await expect(write).rejects.toThrow("EISDIR");
  expect(readdirSync(folder)).toEqual(["there"]);
});
