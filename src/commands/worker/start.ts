import * as Flags from "@oclif/core/flags";

import { applyLanes } from "../../app/apply-lanes.ts";
import type { WorkEvent, WorkSummary } from "../../app/work-events.ts";
import { work } from "../../app/work.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { PACKAGE_ROOT } from "../../cli/cli-config.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { renderWorkEvent, renderWorkSummary } from "../../cli/render/work-event.ts";
import { toSummaryJson, type WorkSummaryJson } from "../../cli/render/work-json.ts";
import { newWorkerId, toSessionOptions, withWorkSignals } from "../../cli/work-session.ts";
import { parseDuration } from "../../model/duration.ts";
import { parsePools } from "../../queue/pool.ts";
import { openWork } from "../../wiring/open-work.ts";

export default class WorkerStart extends BaseCommand {
  static override summary = "Execute queued runs until you end it, or until none are left.";
  static override description =
    "Ctrl-C once: nothing more is claimed, and what runs is waited for. Twice: what runs is given back to the queue.";
  static override examples = [
    "<%= config.bin %> worker start --until-empty",
    "<%= config.bin %> worker start --pools 'train=2,*=4' --lanes gpu,default",
  ];
  static override flags = {
    pools: Flags.string({ summary: "Slots by kind of runs; * stands for all other kinds.", helpValue: "KIND=N,*=N" }),
    lanes: Flags.string({ summary: "Only these lanes.", helpValue: "A,B" }),
    "until-empty": Flags.boolean({ summary: "End when nothing is left to do." }),
    drain: Flags.string({ summary: "When told to end, wait so long for what runs.", helpValue: "DURATION" }),
  };

  override async run(): Promise<WorkSummaryJson> {
    const { flags } = await this.parse(WorkerStart);
    const repo = this.openRepo(flags);
    const workerId = newWorkerId("worker");
    const observe = (event: WorkEvent): void => {
      this.io.stderr.write(`${renderWorkEvent(event)}\n`);
    };
    const session = await toSessionOptions(repo, workerId, { env: this.io.env, observe });
    const config = await repo.readConfig();
    await using ports = await openWork(repo, { workerId, env: this.io.env, packageRoot: PACKAGE_ROOT });
    await applyLanes(ports.store, config);
    let isInterrupted = false;
    const summary = await withWorkSignals<WorkSummary>(
      async (onStart) =>
        work(repo, ports, {
          ...session,
          pools: parsePools(flags.pools ?? config.pools ?? "*=1"),
          lanes: flags.lanes?.split(","),
          isUntilEmpty: flags["until-empty"],
          drainMs: flags.drain === undefined ? undefined : parseDuration(flags.drain, "--drain"),
          onStart,
        }),
      (control, _signal, times) => {
        isInterrupted = times > 1;
        if (isInterrupted) control.stopNow();
        else control.drain();
      },
    );
    if (isInterrupted) this.exitCode = EXIT.interrupted;
    else if (flags["until-empty"] && summary.failed > 0) this.exitCode = EXIT.failed;
    this.io.stderr.write(`${renderWorkSummary(summary)}\n`);
    return toSummaryJson(summary);
  }
}
