import * as Flags from "@oclif/core/flags";

import { chooseLanes, choosePools } from "../../app/choose-service.ts";
import type { Repo } from "../../app/repo.ts";
import { attendWorker } from "../../cli/attend-worker.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { PACKAGE_ROOT } from "../../cli/cli-config.ts";
import { type DetachedWorkerJson, detachWorker } from "../../cli/detach-worker.ts";
import type { WorkerSummaryJson } from "../../cli/render/worker-event-json.ts";
import { renderDetachedWorker } from "../../cli/render/workers.ts";
import { toSessionOptions } from "../../cli/work-session.ts";
import { nameWorker } from "../../cli/worker-name.ts";
import { parseDuration } from "../../model/duration.ts";
import { openQueue, placeOfQueue } from "../../wiring/open-queue.ts";
import { openWorkerLogs } from "../../wiring/open-worker-logs.ts";
import { openWork } from "../../wiring/open-work.ts";

export default class WorkerStart extends BaseCommand {
  static override summary = "Execute queued runs until you end it, or until none are left.";
  static override description =
    "Ctrl-C once: nothing more is started, and what runs is waited for. Twice: what runs is stopped and given back to " +
    "the queue. SIGTERM and SIGHUP do the same. With --until-empty the exit code is 1 when a run has failed.";
  static override examples = [
    "<%= config.bin %> worker start --until-empty",
    "<%= config.bin %> worker start --pools 'train=2,*=4' --lanes gpu,default",
    "<%= config.bin %> worker start --slots 4 --detach --name night",
  ];
  static override flags = {
    pools: Flags.string({
      summary: "Slots by kind of runs; * stands for all other kinds. Those of aexp.yaml, or *=1, without it.",
      helpValue: "KIND=N,*=N",
    }),
    slots: Flags.integer({
      summary: "So many runs at a time, of any kind: short for --pools '*=N'.",
      helpValue: "N",
      min: 1,
      max: 1000,
      exclusive: ["pools"],
    }),
    lanes: Flags.string({ summary: "Only runs of these lanes.", helpValue: "A,B" }),
    "until-empty": Flags.boolean({ summary: "End when nothing is left to do." }),
    drain: Flags.string({
      summary: "When told to end, wait so long for what runs, then give it back; as long as it takes, without it.",
      helpValue: "DURATION",
    }),
    checkout: Flags.boolean({
      summary:
        "Execute each run of committed code in a work tree of its commit; fetch commits of other machines' runs.",
    }),
    detach: Flags.boolean({
      summary: "Work in the background, with a log; see `worker logs` and `worker stop`.",
      exclusive: ["ndjson"],
    }),
    name: Flags.string({ summary: "What its id begins with, instead of the machine's name.", helpValue: "NAME" }),
    "metrics-port": Flags.integer({
      summary: "Serve statistics of the queue for Prometheus on http://127.0.0.1:PORT/metrics; 0 takes a free port.",
      helpValue: "PORT",
      min: 0,
      max: 65_535,
    }),
    ndjson: Flags.boolean({
      summary: "Print one JSON document per line for each thing that happens.",
      exclusive: ["json"],
    }),
    id: Flags.string({ summary: "The whole id, from a worker that starts this one.", hidden: true }),
  };

  override async run(): Promise<WorkerSummaryJson | DetachedWorkerJson> {
    const { flags } = await this.parse(WorkerStart);
    const repo = this.openRepo(flags);
    const workerId = flags.id ?? nameWorker(flags.name, repo.machineLabel);
    const session = await toSessionOptions(repo, workerId, { env: this.io.env, observe: () => undefined });
    const drainMs = flags.drain === undefined ? undefined : parseDuration(flags.drain, "--drain");
    const asked = flags.slots === undefined ? flags.pools : `*=${flags.slots}`;
    if (flags.detach) return await this.#detach(repo, workerId, asked, flags);
    await using ports = await openWork(repo, {
      workerId,
      env: this.io.env,
      packageRoot: PACKAGE_ROOT,
      isCheckingOut: flags.checkout,
    });
    return await attendWorker(this, {
      repo,
      ports,
      session,
      pools: await choosePools(ports.store, await repo.readConfig(), asked),
      lanes: await chooseLanes(ports.store, flags.lanes),
      isUntilEmpty: flags["until-empty"],
      drainMs,
      metricsPort: flags["metrics-port"],
      database: await placeOfQueue(repo),
      isNdjson: flags.ndjson,
    });
  }

  async #detach(
    repo: Repo,
    workerId: string,
    pools: string | undefined,
    flags: {
      readonly lanes: string | undefined;
      readonly "until-empty": boolean;
      readonly checkout: boolean;
      readonly drain: string | undefined;
      readonly "metrics-port": number | undefined;
    },
  ): Promise<DetachedWorkerJson> {
    await using store = await openQueue(repo);
    // What is wrong is better told here than in a log.
    await choosePools(store, await repo.readConfig(), pools);
    const argv = [
      "worker",
      "start",
      "--repo",
      repo.root,
      "--id",
      workerId,
      ...(pools === undefined ? [] : ["--pools", pools]),
      ...(flags.lanes === undefined ? [] : ["--lanes", flags.lanes]),
      ...(flags["until-empty"] ? ["--until-empty"] : []),
      ...(flags.checkout ? ["--checkout"] : []),
      ...(flags.drain === undefined ? [] : ["--drain", flags.drain]),
      ...(flags["metrics-port"] === undefined ? [] : ["--metrics-port", String(flags["metrics-port"])]),
    ];
    const logs = openWorkerLogs(repo);
    const worker = await detachWorker({ repo, store, logs, workerId, argv, env: this.io.env });
    if (worker.exit_code !== undefined) this.exitCode = worker.exit_code;
    this.log(renderDetachedWorker(worker));
    return worker;
  }
}
