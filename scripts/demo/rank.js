// Prints what was fitted, the best first. Reads the list that aexp makes of the elements of a sweep.
import { readFileSync } from "node:fs";

const models = JSON.parse(readFileSync(process.argv[2], "utf8")).map(({ path }) =>
  JSON.parse(readFileSync(path, "utf8")),
);
console.log("k,accuracy");
for (const { k, accuracy } of models.toSorted((a, b) => b.accuracy - a.accuracy)) console.log(`${k},${accuracy}`);
