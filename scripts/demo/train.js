// Softmax regression on Fisher's iris data, by full-batch gradient descent. It knows nothing of aexp: it reads two
// options and, when the variable is set, appends its numbers to the file that AEXP_METRICS_FILE names.
import { appendFileSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { lr: { type: "string" }, seed: { type: "string" }, epochs: { type: "string", default: "60" } },
});
const learningRate = Number(values.lr);
const random = seededRandom(Number(values.seed));

const rows = readFileSync(new URL("iris.csv", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .slice(1);
const species = [...new Set(rows.map((row) => row.split(",").at(-1)))];
const samples = shuffle(rows.map(toSample));
const heldOut = samples.splice(0, 50);
standardize(samples, heldOut);

const weights = species.map(() => Array.from({ length: 5 }, () => 0.01 * (random() - 0.5)));
for (let epoch = 1; epoch <= Number(values.epochs); epoch += 1) {
  const loss = descend(samples);
  const accuracy = heldOut.filter(({ x, y }) => argmax(predict(x)) === y).length / heldOut.length;
  report({ step: epoch, loss, accuracy });
  if (epoch % 20 === 0)
    console.log(`epoch ${epoch}: loss ${loss.toFixed(4)}, held-out accuracy ${accuracy.toFixed(3)}`);
}

/** One step down the gradient of the mean cross-entropy; returns the loss before the step. */
function descend(batch) {
  const gradient = weights.map((row) => row.map(() => 0));
  let loss = 0;
  for (const { x, y } of batch) {
    const p = predict(x);
    loss -= Math.log(p[y]) / batch.length;
    p.forEach((probability, k) =>
      x.forEach((value, j) => (gradient[k][j] += ((probability - (k === y ? 1 : 0)) * value) / batch.length)),
    );
  }
  weights.forEach((row, k) => row.forEach((_, j) => (row[j] -= learningRate * gradient[k][j])));
  return loss;
}

function predict(x) {
  const scores = weights.map((row) => row.reduce((sum, weight, j) => sum + weight * x[j], 0));
  const top = Math.max(...scores);
  const odds = scores.map((score) => Math.exp(score - top));
  const total = odds.reduce((sum, value) => sum + value);
  return odds.map((value) => value / total);
}

function toSample(row) {
  const fields = row.split(",");
  return { x: [...fields.slice(0, 4).map(Number), 1], y: species.indexOf(fields[4]) };
}

/** Scales the four measurements to mean 0 and variance 1, with the statistics of the training part only. */
function standardize(training, ...others) {
  for (let j = 0; j < 4; j += 1) {
    const mean = training.reduce((sum, { x }) => sum + x[j], 0) / training.length;
    const sd = Math.sqrt(training.reduce((sum, { x }) => sum + (x[j] - mean) ** 2, 0) / training.length);
    for (const { x } of [training, ...others].flat()) x[j] = (x[j] - mean) / sd;
  }
}

function report(metrics) {
  const file = process.env.AEXP_METRICS_FILE;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(metrics)}\n`);
}

function argmax(numbers) {
  return numbers.indexOf(Math.max(...numbers));
}

function shuffle(items) {
  for (let i = items.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j], items[i]];
  }
  return items;
}

/** Mulberry32: small, and the same numbers on every machine. */
function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
