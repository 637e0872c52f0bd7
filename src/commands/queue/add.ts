import { BaseCommand } from "../../cli/base-command.ts";
import { queueRuns, refuseStrays } from "../../cli/queue-runs.ts";
import { renderSubmission, type SubmissionJson, toSubmissionJson } from "../../cli/render/submission.ts";
import { screenOf } from "../../cli/screen.ts";
import { splitAtDashes } from "../../cli/split-argv.ts";
import { SUBMISSION_FLAGS } from "../../cli/submission-flags.ts";
import { openQueue, openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class QueueAdd extends BaseCommand {
  static override summary = "Queue runs: one, a sweep, or what a plan lists.";
  static override description =
    "Runs that are complete already, or in the queue, are left alone and named. The command may follow two dashes; then " +
    "no shell comes between. docs/queue.md tells about sweeps, placeholders and plans.";
  static override examples = [
    "<%= config.bin %> queue add --experiment E001 --sweep 'batch=16|32|64,seed=0..2' --command 'python3 train.py --batch {batch} --seed {seed}'",
    "<%= config.bin %> queue add --experiment E001 --sp lr=0.1 --needs prepare --retries 2 -- python3 train.py --lr {lr}",
    "<%= config.bin %> queue add --plan plan.yaml --dry-run",
  ];
  static override usage = "queue add [FLAGS] [-- COMMAND…]";
  static override strict = false;
  static override flags = SUBMISSION_FLAGS;

  override async run(): Promise<SubmissionJson> {
    const { own, command } = splitAtDashes(this.argv);
    const { flags, argv: strays } = await this.parse(QueueAdd, own);
    refuseStrays(strays);
    const repo = this.openRepo(flags);
    const isDryRun = flags["dry-run"];
    await using store = isDryRun ? await openQueueIfPresent(repo) : await openQueue(repo);
    const submission = await queueRuns(repo, store, { flags, command, place: this.io }, isDryRun);
    this.log(renderSubmission(submission, screenOf(this.io, this.color, repo.clock.nowMs()), isDryRun));
    return toSubmissionJson(submission, isDryRun);
  }
}
