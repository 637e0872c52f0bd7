// Means over seeds, from the runs that aexp knows. It is queued as a run that needs all others, so that it starts when
// the last of them has succeeded.
import { execFileSync } from "node:child_process";
import { appendFileSync } from "node:fs";

const runs = JSON.parse(execFileSync("aexp", ["runs", "list", "--experiment", "E001", "--json"], { encoding: "utf8" }));
const losses = Map.groupBy(runs, (run) => run.statepoint.lr);
const means = [...losses].map(([lr, group]) => ({
  lr,
  loss: group.reduce((sum, run) => sum + run.summary_metrics.loss, 0) / group.length,
}));
means.sort((a, b) => a.loss - b.loss);
for (const { lr, loss } of means) console.log(`lr ${lr}: mean loss ${loss.toFixed(4)}`);
if (process.env.AEXP_METRICS_FILE) {
  appendFileSync(process.env.AEXP_METRICS_FILE, `${JSON.stringify({ best_lr: means[0].lr, loss: means[0].loss })}\n`);
}
