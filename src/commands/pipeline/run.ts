import * as Flags from "@oclif/core/flags";

import { type GroupSession, runGroup } from "../../app/run-group.ts";
import { submitPipeline } from "../../app/submit-pipeline.ts";
import { waitForGroup } from "../../app/wait-for-group.ts";
import type { WorkSummary } from "../../app/work-events.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { PACKAGE_ROOT } from "../../cli/cli-config.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { CACHE_FLAGS, PIPELINE_ARGS, readPipelineFile } from "../../cli/pipeline-file.ts";
import { type PipelineGroupJson, renderPipelineGroup, toPipelineGroupJson } from "../../cli/render/pipeline-group.ts";
import { renderWorkEvent } from "../../cli/render/work-event.ts";
import { screenOf } from "../../cli/screen.ts";
import { withAbortSignal } from "../../cli/stop-signals.ts";
import { newWorkerId, toSessionOptions, withWorkSignals } from "../../cli/work-session.ts";
import { showPipeline } from "../../app/show-pipeline.ts";
import type { Repo } from "../../app/repo.ts";
import type { Group } from "../../queue/queue-store.ts";
import { openWork, type OpenWork } from "../../wiring/open-work.ts";

export default class PipelineRun extends BaseCommand {
  static override summary = "Submit a pipeline: what was computed before is taken from the cache, the rest is queued.";
  static override description =
    "All stages execute the code as it is now, also those that begin hours later. Workers execute them; with --jobs this " +
    "process does it, and returns when nothing is left.";
  static override examples = [
    "<%= config.bin %> pipeline run pipeline.yaml --jobs 4",
    "<%= config.bin %> pipeline run pipeline.yaml --wait",
    "<%= config.bin %> pipeline run pipeline.yaml --cache refresh",
  ];
  static override args = PIPELINE_ARGS;
  static override flags = {
    jobs: Flags.integer({
      summary: "Execute it here, so many runs at a time.",
      helpValue: "N",
      min: 1,
      max: 1000,
      exclusive: ["wait"],
    }),
    wait: Flags.boolean({ summary: "Return when workers have ended it.", default: false }),
    ...CACHE_FLAGS,
  };

  override async run(): Promise<PipelineGroupJson> {
    const { args, flags } = await this.parse(PipelineRun);
    const repo = this.openRepo(flags);
    const workerId = newWorkerId("pipeline");
    const session = flags.jobs === undefined ? undefined : await this.#openSession(repo, workerId, flags.jobs);
    await using ports = await openWork(repo, { workerId, env: this.io.env, packageRoot: PACKAGE_ROOT });
    const read = await readPipelineFile(repo, ports, this.io, { file: args.file, cache: flags.cache });
    await submitPipeline(repo, ports, read.group, read.planned);
    const { id } = read.group;
    if (session !== undefined) await this.#execute(repo, ports, id, session);
    else if (flags.wait) await this.#wait(ports, id);
    const shown = await showPipeline(ports.store, id);
    if (session !== undefined || flags.wait) this.exitCode ||= exitCodeOf(shown.group.state);
    this.log(renderPipelineGroup(shown, screenOf(this.io, this.color, repo.clock.nowMs())));
    return toPipelineGroupJson(shown);
  }

  async #openSession(repo: Repo, workerId: string, jobs: number): Promise<GroupSession> {
    const observe = (event: Parameters<typeof renderWorkEvent>[0]): void => {
      this.io.stderr.write(`${renderWorkEvent(event)}\n`);
    };
    return { ...(await toSessionOptions(repo, workerId, { env: this.io.env, observe })), jobs };
  }

  async #execute(repo: Repo, ports: OpenWork, id: string, session: GroupSession): Promise<void> {
    await withWorkSignals<WorkSummary>(
      async (onStart) => runGroup(repo, ports, id, { ...session, onStart }),
      (control) => {
        this.exitCode = EXIT.interrupted;
        control.stopNow();
      },
    );
  }

  async #wait({ store }: OpenWork, id: string): Promise<void> {
    const { group } = await showPipeline(store, id);
    if (group.state === "active") this.io.stderr.write(`${id} waits for workers; Ctrl-C leaves it to them\n`);
    const state = await withAbortSignal((signal) => waitForGroup(store, id, { pollMs: 1000, signal }));
    if (state === undefined) this.exitCode = EXIT.interrupted;
  }
}

/** What is still to be done waits for something that nobody does, such as a lane that is paused. */
function exitCodeOf(state: Group["state"]): number {
  if (state === "complete") return EXIT.ok;
  return state === "active" ? EXIT.partial : EXIT.failed;
}
