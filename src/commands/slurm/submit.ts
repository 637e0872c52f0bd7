import { deliverOutbox } from "../../app/deliver-outbox.ts";
import { SlurmReconciler } from "../../app/reconcile-slurm.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { toReconcileOptions } from "../../cli/batch-session.ts";
import { PACKAGE_ROOT } from "../../cli/cli-config.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { queueRuns, refuseStrays } from "../../cli/queue-runs.ts";
import { type BatchTallyJson, renderTally } from "../../cli/render/batch-event.ts";
import { renderSubmission, type SubmissionJson, toSubmissionJson } from "../../cli/render/submission.ts";
import { screenOf } from "../../cli/screen.ts";
import { splitAtDashes } from "../../cli/split-argv.ts";
import { SUBMISSION_FLAGS } from "../../cli/submission-flags.ts";
import { openBatch } from "../../wiring/open-batch.ts";
import { openQueue, openQueueIfPresent } from "../../wiring/open-queue.ts";
import { openStages } from "../../wiring/open-stages.ts";

export default class SlurmSubmit extends BaseCommand {
  static override summary = "Queue runs for SLURM, whatever their lane says, and submit what may start.";
  static override description =
    "Takes what `aexp queue add` takes. The limits of the lane hold: what is above them, or needs other runs, is " +
    "submitted later by `aexp agent start` or `aexp slurm reconcile`, which also record how jobs end.";
  static override examples = [
    "<%= config.bin %> slurm submit --experiment E001 --sweep seed=0..9 --time 2h --mem 8G -- python3 train.py --seed {seed}",
    "<%= config.bin %> slurm submit --plan plan.yaml --partition gpu --gpus 1",
  ];
  static override usage = "slurm submit [FLAGS] [-- COMMAND…]";
  static override strict = false;
  static override flags = SUBMISSION_FLAGS;

  override async run(): Promise<SubmissionJson & { readonly slurm?: BatchTallyJson }> {
    const { own, command } = splitAtDashes(this.argv);
    const { flags, argv: strays } = await this.parse(SlurmSubmit, own);
    refuseStrays(strays);
    const repo = this.openRepo(flags);
    const isDryRun = flags["dry-run"];
    await using store = isDryRun ? await openQueueIfPresent(repo) : await openQueue(repo);
    const input = { flags, command, place: this.io, executor: "slurm" } as const;
    const submission = await queueRuns(repo, store, input, isDryRun);
    this.log(renderSubmission(submission, screenOf(this.io, this.color, repo.clock.nowMs()), isDryRun));
    const json = toSubmissionJson(submission, isDryRun);
    if (store === undefined || isDryRun) return json;
    const batch = openBatch(repo, { env: this.io.env, packageRoot: PACKAGE_ROOT });
    const options = toReconcileOptions("slurm", this.io);
    const ids = submission.runs.map(({ run }) => run.jobId);
    await using stages = openStages(repo);
    const tally = await new SlurmReconciler(repo, { ...stages, store, batch }, { ...options, ids }).tick();
    await deliverOutbox(repo, store);
    if (tally.problems.length > 0) this.exitCode = EXIT.partial;
    this.log(renderTally(tally));
    return { ...json, slurm: tally };
  }
}
