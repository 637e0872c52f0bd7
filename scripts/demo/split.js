// Every third flower is held out. Reads a CSV file, and writes a folder with two.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [, , source, target] = process.argv;
const [header, ...rows] = readFileSync(source, "utf8").trim().split("\n");
mkdirSync(target);
const write = (name, part) => writeFileSync(join(target, name), `${[header, ...part].join("\n")}\n`);
write(
  "training.csv",
  rows.filter((_, place) => place % 3 > 0),
);
write(
  "held-out.csv",
  rows.filter((_, place) => place % 3 === 0),
);
