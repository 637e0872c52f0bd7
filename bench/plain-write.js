// The yardstick for backfill: writes the texts of a packed file in a plain loop, each to a temporary name, then renamed.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [packed, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
for (const [name, text] of JSON.parse(readFileSync(packed, "utf8"))) {
  const path = join(folder, name);
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
}
