// The yardstick for queue add: writes the files of packed runs in a plain loop, each run's folder under a temporary
// name, then renamed.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [packed, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
for (const [name, files] of JSON.parse(readFileSync(packed, "utf8"))) {
  const temporary = join(folder, ".tmp");
  mkdirSync(temporary);
  for (const [file, text] of files) writeFileSync(join(temporary, file), text);
  renameSync(temporary, join(folder, name));
}
