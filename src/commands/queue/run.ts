import * as Flags from "@oclif/core/flags";

import { freezeOrder, runAt, runPending } from "../../app/run-pending.ts";
import type { WorkSummary } from "../../app/work-events.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { PACKAGE_ROOT } from "../../cli/cli-config.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { executeOne, type RunOneJson } from "../../cli/execute-one.ts";
import { toSummaryJson, type WorkSummaryJson } from "../../cli/render/work-json.ts";
import { renderWorkEvent, renderWorkSummary } from "../../cli/render/work-event.ts";
import { newWorkerId, toSessionOptions, withWorkSignals } from "../../cli/work-session.ts";
import { AexpError } from "../../model/errors.ts";
import { openWork } from "../../wiring/open-work.ts";

export default class QueueRun extends BaseCommand {
  static override summary = "Execute pending runs here, without a worker.";
  static override description =
    "Each run is claimed, so that two processes never execute one. With --index it executes the run at that place of an " +
    "order that is made once and never changes, as the elements of an array of jobs need it; under SLURM the order is " +
    "the array's own unless --order names one.";
  static override examples = [
    "<%= config.bin %> queue run --tag night --jobs 4",
    "<%= config.bin %> queue run --experiment E001 --index $SLURM_ARRAY_TASK_ID",
  ];
  static override flags = {
    tag: Flags.string({ summary: "Only runs with this tag.", helpValue: "TAG" }),
    experiment: Flags.string({ summary: "Only runs of this experiment.", helpValue: "E001" }),
    lane: Flags.string({ summary: "Only runs of this lane.", helpValue: "LANE" }),
    index: Flags.integer({
      summary: "Only the run at this place of the order, counted from 0.",
      helpValue: "N",
      min: 0,
    }),
    order: Flags.string({
      summary: "The frozen order that --index counts in.",
      helpValue: "NAME",
      dependsOn: ["index"],
    }),
    jobs: Flags.integer({ summary: "How many at a time.", helpValue: "N", default: 1, min: 1, max: 1000 }),
    "continue-on-failure": Flags.boolean({ summary: "Go on after a run has failed." }),
  };

  override async run(): Promise<WorkSummaryJson | RunOneJson> {
    const { flags } = await this.parse(QueueRun);
    const repo = this.openRepo(flags);
    const workerId = newWorkerId("run");
    const observe = (event: Parameters<typeof renderWorkEvent>[0]): void => {
      this.io.stderr.write(`${renderWorkEvent(event)}\n`);
    };
    const session = await toSessionOptions(repo, workerId, { env: this.io.env, observe });
    const { tag, experiment: experimentId, lane, index } = flags;
    const selection = { tag, experimentId, lane };
    await using ports = await openWork(repo, { workerId, env: this.io.env, packageRoot: PACKAGE_ROOT });
    if (index !== undefined) {
      const name = this.#orderName(flags.order);
      const id = runAt(await freezeOrder(ports.store, name, selection), index, name);
      return await executeOne(this, { repo, ports, id, session, isForced: false });
    }
    const options = { ...session, jobs: flags.jobs, isFailureFinal: !flags["continue-on-failure"] };
    let isInterrupted = false;
    const summary = await withWorkSignals<WorkSummary>(
      async (onStart) => runPending(repo, ports, selection, { ...options, onStart }),
      (control) => {
        isInterrupted = true;
        control.stopNow();
      },
    );
    if (isInterrupted) this.exitCode = EXIT.interrupted;
    else if (summary.failed > 0) this.exitCode = EXIT.failed;
    this.io.stderr.write(`${renderWorkSummary(summary)}\n`);
    return toSummaryJson(summary);
  }

  #orderName(named: string | undefined): string {
    const array = this.io.env["SLURM_ARRAY_JOB_ID"];
    if (named !== undefined) return named;
    if (array) return `slurm-${array}`;
    throw new AexpError("--index counts in an order, and none is named", {
      code: "cli.usage",
      hint: "Name one with --order NAME; `aexp queue freeze NAME` makes it beforehand.",
    });
  }
}
