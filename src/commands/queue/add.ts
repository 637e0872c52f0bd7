import { addToQueue } from "../../app/add-to-queue.ts";
import { applyLanes, withDeclaredLanes } from "../../app/apply-lanes.ts";
import { planSubmission } from "../../app/plan-submission.ts";
import type { QueueView } from "../../app/submission.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { renderSubmission, type SubmissionJson, toSubmissionJson } from "../../cli/render/submission.ts";
import { screenOf } from "../../cli/screen.ts";
import { splitAtDashes } from "../../cli/split-argv.ts";
import { SUBMISSION_FLAGS, toSubmissionRequest } from "../../cli/submission-flags.ts";
import { AexpError } from "../../model/errors.ts";
import type { QueueStore } from "../../queue/queue-store.ts";
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
    if (strays.length > 0) throw missingDashes(strays.map(String));
    const repo = this.openRepo(flags);
    const request = await toSubmissionRequest(repo, flags, command, this.io);
    const isDryRun = flags["dry-run"];
    await using store = isDryRun ? await openQueueIfPresent(repo) : await openQueue(repo);
    const config = await repo.readConfig();
    if (store !== undefined && !isDryRun) await applyLanes(store, config);
    const submission = await planSubmission(repo, withDeclaredLanes(viewOf(store), config), request);
    if (store !== undefined && !isDryRun) await addToQueue(repo, store, submission);
    this.log(renderSubmission(submission, screenOf(this.io, this.color, repo.clock.nowMs()), isDryRun));
    return toSubmissionJson(submission, isDryRun);
  }
}

/** What is there already; a queue that was never used is empty. */
function viewOf(store: QueueStore | undefined): QueueView {
  return {
    tasks: async (query) => (await store?.tasks(query)) ?? [],
    lanes: async () => (await store?.lanes()) ?? [],
  };
}

function missingDashes(strays: readonly string[]): AexpError {
  return new AexpError(`${JSON.stringify(strays[0])} stands where flags of aexp are expected`, {
    code: "cli.usage",
    hint: `Put two dashes before the command: aexp queue add … -- ${strays.join(" ")}`,
  });
}
