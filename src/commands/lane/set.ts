import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { applyLanes } from "../../app/apply-lanes.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { type LaneJson, renderLaneSettings, toLaneJson } from "../../cli/render/lanes.ts";
import { LONGEST_MS, parseDuration } from "../../model/duration.ts";
import { AexpError } from "../../model/errors.ts";
import { nearest } from "../../model/nearest.ts";
import { checkLaneName, type LanePatch } from "../../queue/lane.ts";
import { EXECUTOR_KINDS, type ExecutorKind } from "../../queue/task.ts";
import { openQueue } from "../../wiring/open-queue.ts";

export default class LaneSet extends BaseCommand {
  static override summary = "Make a lane, or change its limits while it works.";
  static override description =
    "Nothing that runs is ended: a lower limit holds for what starts next. A value that is set here stands until " +
    "aexp.yaml says something new about it.";
  static override examples = [
    "<%= config.bin %> lane set gpu --max-running 2 --max-per-caller 1",
    "<%= config.bin %> lane set gpu --on-lost requeue --retain 30d --keep-last 100",
    "<%= config.bin %> lane set gpu --max-running none",
    "<%= config.bin %> lane set cluster --executor slurm --max-running 20",
  ];
  static override args = { name: Args.string({ description: "Name of the lane.", required: true }) };
  static override flags = {
    "max-running": Flags.string({ summary: "How many of its runs may be active at once.", helpValue: "N|none" }),
    "max-per-caller": Flags.string({ summary: "How many of one caller.", helpValue: "N|none" }),
    "on-lost": Flags.option({
      options: ["fail", "requeue"] as const,
      summary: "What becomes of a run whose machine or process died.",
    })(),
    retain: Flags.string({ summary: "How long ended runs stay in the queue.", helpValue: "DURATION|forever" }),
    "keep-last": Flags.integer({ summary: "Keep so many ended runs whatever their age.", helpValue: "N", min: 0 }),
    executor: Flags.option({
      options: EXECUTOR_KINDS,
      summary: "What executes its runs: workers on this machine, or SLURM.",
    })(),
    age: Flags.string({ summary: "Waiting for so long adds 1 to a run's priority.", helpValue: "DURATION|none" }),
  };

  override async run(): Promise<LaneJson & { created: boolean }> {
    const { args, flags } = await this.parse(LaneSet);
    checkLaneName(args.name);
    const patch = toPatch(flags);
    const repo = this.openRepo(flags);
    await using store = await openQueue(repo);
    // First, so that what is new there does not replace what is set here.
    await applyLanes(store, await repo.readConfig());
    const names = (await store.lanes()).map(({ name }) => name);
    const isNew = !names.includes(args.name);
    const lane = await store.setLane(args.name, patch);
    const similar = isNew ? nearest(args.name, names) : undefined;
    if (similar !== undefined) this.warnLine(`lane ${args.name} is new; there is a lane ${similar} as well`);
    this.log(`${isNew ? "made " : ""}${renderLaneSettings(lane)}`);
    return { ...toLaneJson(lane), created: isNew };
  }
}

function toPatch(flags: {
  readonly "max-running"?: string | undefined;
  readonly "max-per-caller"?: string | undefined;
  readonly "on-lost"?: "fail" | "requeue" | undefined;
  readonly retain?: string | undefined;
  readonly "keep-last"?: number | undefined;
  readonly age?: string | undefined;
  readonly executor?: ExecutorKind | undefined;
}): LanePatch {
  const { "max-running": maxRunning, "max-per-caller": maxPerCaller, "on-lost": onLost, "keep-last": keepLast } = flags;
  const { retain, age, executor } = flags;
  return {
    ...(maxRunning !== undefined && { maxRunning: parseLimit(maxRunning, "--max-running", 0) }),
    ...(maxPerCaller !== undefined && { maxPerCaller: parseLimit(maxPerCaller, "--max-per-caller", 1) }),
    ...(onLost !== undefined && { onLost }),
    ...(retain !== undefined && { retainMs: parseTime(retain, "--retain", "forever") }),
    ...(keepLast !== undefined && { keepLast }),
    ...(age !== undefined && { ageMs: parseTime(age, "--age", "none") }),
    ...(executor !== undefined && { executor }),
  };
}

function parseLimit(text: string, flag: string, least: number): number | null {
  if (text === "none") return null;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (value >= least) return value;
  throw new AexpError(`${flag}=${JSON.stringify(text)} is no limit: expected a whole number from ${least}, or none`, {
    code: "cli.usage",
  });
}

function parseTime(text: string, flag: string, unlimited: string): number | null {
  return text === unlimited ? null : Math.ceil(parseDuration(text, flag, LONGEST_MS));
}
