// The yardstick for list and validate: reads every file below the given folders in a plain loop and parses the JSON.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

let parsed = 0;
for (const folder of process.argv.slice(2)) visit(folder);
process.stdout.write(`${parsed}\n`);

function visit(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) visit(path);
    else {
      const text = readFileSync(path, "utf8");
      if (entry.name.endsWith(".json")) JSON.parse(text);
      parsed += 1;
    }
  }
}
