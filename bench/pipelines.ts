/** The budgets of pipelines: planning, the overhead of a stage, and other tools on the same graph of tiny commands. */
import { cpus } from "node:os";
import { join } from "node:path";

import { measureDiamond } from "./diamond.ts";
import { time } from "./measure.ts";
import { chains, toPipeline } from "./pipeline-graphs.ts";
import { newPipelineRepo } from "./pipeline-repo.ts";
import type { Bench } from "./queue.ts";
import { count, ms, us } from "./words.ts";

const FEW = 100;
const MANY = 2000;
const JOBS = String(Math.max(2, cpus().length));

/** Measures all of them, one after the other. */
export function measurePipelines(bench: Bench): void {
  measurePlan(bench);
  measureOverhead(bench);
  measureDiamond(bench, JOBS);
}

function measurePlan({ place, scale, samples, aexp, add }: Bench): void {
  const stages = MANY * scale;
  const root = newPipelineRepo(join(place, "pipeline-plan"), toPipeline(chains(stages)));
  const { medianS } = time(aexp(root, "pipeline", "plan", "pipeline.yaml"), samples);
  add(`pipeline plan, ${count(stages)} stages`, ms(medianS), "", medianS, 2, " s");
}

/** Seconds per stage beyond one stage, for pipelines of which everything is cached: what grows too fast shows here. */
function measureOverhead({ place, scale, samples, aexp, add }: Bench): void {
  const perStage = (stages: number): number => {
    const root = newPipelineRepo(join(place, `pipeline-${stages}`), toPipeline(chains(stages)));
    const one = newPipelineRepo(join(place, `pipeline-${stages}-one`), toPipeline(chains(1)));
    const words = ["pipeline", "run", "pipeline.yaml", "--jobs", JOBS];
    // The first run, which nobody times, executes them.
    const [base, all] = [one, root].map((folder) => time(aexp(folder, ...words), samples).medianS);
    return ((all ?? 0) - (base ?? 0)) / (stages - 1);
  };
  const few = perStage(FEW * scale);
  const many = perStage(MANY * scale);
  const what = `growth of pipeline run, all cached, ${count(FEW * scale)} → ${count(MANY * scale)} stages`;
  add(what, `${us(many)} a stage`, `${us(few)} a stage`, many / few, 1.3, "×");
}
