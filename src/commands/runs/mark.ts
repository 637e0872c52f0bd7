import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { markRun } from "../../app/mark-run.ts";
import { refuseQueued } from "../../app/refuse-queued.ts";
import type { StatusReason } from "../../app/mark-status.ts";
import { resolveJobId } from "../../app/resolve-run.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { AexpError } from "../../model/errors.ts";
import { didYouMean } from "../../model/nearest.ts";
import { isRunStatus, REASON_CODES, RUN_STATUSES, type RunStatus } from "../../run/run-status.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class RunsMark extends BaseCommand {
  static override summary = "Change the status of a run by hand.";
  static override description =
    "For runs that aexp did not execute, or that need a decision. Only legal changes are made; a finished run is " +
    "promoted to the ledger like any other.";
  static override examples = [
    "<%= config.bin %> runs mark d3a7 complete",
    "<%= config.bin %> runs mark @last failed --reason 'oom: out of memory on gpu03'",
  ];
  static override args = {
    run: Args.string({ description: "Job id, a unique prefix, or @last.", required: true }),
    status: Args.string({ description: `One of ${RUN_STATUSES.join(", ")}.`, required: true }),
  };
  static override flags = {
    reason: Flags.string({ summary: "Why: a code, and a message after a colon.", helpValue: "CODE[: TEXT]" }),
  };

  override async run(): Promise<{ job_id: string; status: RunStatus; ledger: string }> {
    const { args, flags } = await this.parse(RunsMark);
    const status = parseStatus(args.status);
    const reason = flags.reason === undefined ? undefined : parseReason(flags.reason);
    const repo = this.openRepo(flags);
    const jobId = resolveJobId(repo, args.run);

    await using queue = await openQueueIfPresent(repo);
    await refuseQueued(queue, jobId, false);
    const { promotion } = await markRun(repo, jobId, status, reason);
    this.log(`Run ${jobId} is ${status}${promotion === "written" ? "; its ledger entry is written" : ""}.`);
    return { job_id: jobId, status, ledger: promotion };
  }
}

function parseStatus(text: string): RunStatus {
  if (isRunStatus(text)) return text;
  throw new AexpError(`${JSON.stringify(text)} is not a status.${didYouMean(text, RUN_STATUSES)}`, {
    code: "cli.usage",
    hint: `A run is ${RUN_STATUSES.join(", ")}.`,
  });
}

function parseReason(text: string): StatusReason {
  const [word = "", ...rest] = text.split(":");
  const code = REASON_CODES.find((known) => known === word.trim());
  if (code !== undefined) return { code, message: rest.join(":").trim() || "marked by hand" };
  throw new AexpError(`${JSON.stringify(word)} is not the code of a reason.${didYouMean(word, REASON_CODES)}`, {
    code: "cli.usage",
    hint: `A reason begins with one of ${REASON_CODES.join(", ")}.`,
  });
}
