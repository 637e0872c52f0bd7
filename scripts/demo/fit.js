// How often the k nearest flowers of the training part name the species of one that was held out.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [, , parts, k, target] = process.argv;
const read = (name) =>
  readFileSync(join(parts, name), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((row) => row.split(","))
    .map((fields) => ({ species: fields.at(-1), x: fields.slice(0, 4).map(Number) }));
const training = read("training.csv");
const heldOut = read("held-out.csv");

const right = heldOut.filter(({ x, species }) => vote(nearest(x)) === species).length;
const accuracy = right / heldOut.length;
writeFileSync(target, `${JSON.stringify({ k: Number(k), accuracy })}\n`);
const metrics = process.env.AEXP_METRICS_FILE;
if (metrics !== undefined) appendFileSync(metrics, `${JSON.stringify({ accuracy })}\n`);

function nearest(x) {
  const distance = (flower) => Math.hypot(...flower.x.map((value, place) => value - x[place]));
  return training.toSorted((a, b) => distance(a) - distance(b)).slice(0, Number(k));
}

function vote(flowers) {
  const counts = Map.groupBy(flowers, ({ species }) => species);
  return [...counts].toSorted(([, a], [, b]) => b.length - a.length)[0]?.[0];
}
