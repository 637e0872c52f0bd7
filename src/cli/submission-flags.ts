import * as Flags from "@oclif/core/flags";

import { atEntry } from "../app/at-entry.ts";
import { readTimeMs } from "../app/environment-time.ts";
import { newGroupId } from "../app/group-id.ts";
import { parsePlan } from "../app/read-plan.ts";
import { checkNoteId } from "../app/register-run.ts";
import type { Repo } from "../app/repo.ts";
import type { SubmissionEntry, SubmissionRequest } from "../app/submission.ts";
import { mergeComputeRequests, parseComputeRequest } from "../queue/compute-request.ts";
import { parseDuration } from "../model/duration.ts";
import { AexpError } from "../model/errors.ts";
import type { CommandTemplate } from "../queue/command-template.ts";
import { DEFAULT_LANE } from "../queue/lane.ts";
import { parseNeed } from "../queue/needs.ts";
import type { PlannedEntry } from "../queue/plan.ts";
import { DEFAULT_KIND } from "../queue/pool.ts";
import { canonicalKey } from "../queue/resource-key.ts";
import { parseSweep } from "../queue/sweep.ts";
import { currentUser } from "../wiring/current-user.ts";
import { COMPUTE_FLAGS, type ComputeFlags, toComputeRequest } from "./compute-flags.ts";
import { readNamedFile } from "./read-named-file.ts";
import { RUN_IDENTITY_FLAGS, type RunIdentityFlags, toRunRequest } from "./state-point-flags.ts";

/** What is queued, and how. */
export const SUBMISSION_FLAGS = {
  experiment: Flags.string({ summary: "Experiment that the runs belong to.", helpValue: "E001" }),
  ...RUN_IDENTITY_FLAGS,
  sweep: Flags.string({
    summary: "One run for each combination of values: 'lr=0.1|0.2,seed=0..4', 'steps=0..100..25'; repeat for more.",
    helpValue: "K=V|V",
    multiple: true,
    multipleNonGreedy: true,
  }),
  plan: Flags.string({
    summary: "Queue what a YAML file lists; other flags fill in what it leaves out.",
    helpValue: "FILE",
  }),
  command: Flags.string({
    summary: "Line for sh with placeholders such as {lr}, {sp_json}, {job_id}; else the experiment's runner_command.",
    helpValue: "TEMPLATE",
  }),
  lane: Flags.string({ summary: "Lane that the runs wait in.", helpValue: "LANE" }),
  priority: Flags.integer({ summary: "Higher ones start first; 0 by default.", helpValue: "N" }),
  kind: Flags.string({ summary: "Kind of work, by which workers choose.", helpValue: "KIND" }),
  needs: Flags.string({
    summary: "Start after this run succeeded; with a ? behind it, after it ended. A job id or a name; repeat for more.",
    helpValue: "RUN[?]",
    multiple: true,
    multipleNonGreedy: true,
  }),
  name: Flags.string({ summary: "Name by which later runs can need these.", helpValue: "NAME" }),
  resource: Flags.string({
    summary: "Never run at the same time as another holder of this key; repeat for more.",
    helpValue: "KEY",
    multiple: true,
    multipleNonGreedy: true,
  }),
  retries: Flags.integer({ summary: "Repeat a failed run so often.", helpValue: "N", min: 0, max: 1000 }),
  timeout: Flags.string({ summary: "End the command after this time, e.g. 90s, 2h30m.", helpValue: "DURATION" }),
  tag: Flags.string({ summary: "Label to list, stop and run them by.", helpValue: "TAG" }),
  target: Flags.string({
    summary: "Only the machine of this label may execute them; it needs their commit.",
    helpValue: "MACHINE",
  }),
  "allow-dup-on-recommit": Flags.boolean({
    summary: "Queue a run although a pending one differs from it only in the commit.",
  }),
  force: Flags.boolean({ summary: "Queue complete runs again, as a new attempt." }),
  ...COMPUTE_FLAGS,
  "dry-run": Flags.boolean({ summary: "Show what would be queued; queue nothing.", default: false }),
};

/** What {@link SUBMISSION_FLAGS} were given. */
export interface SubmissionFlags extends RunIdentityFlags, ComputeFlags {
  readonly sweep?: readonly string[] | undefined;
  readonly plan?: string | undefined;
  readonly command?: string | undefined;
  readonly lane?: string | undefined;
  readonly priority?: number | undefined;
  readonly kind?: string | undefined;
  readonly needs?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly resource?: readonly string[] | undefined;
  readonly retries?: number | undefined;
  readonly timeout?: string | undefined;
  readonly tag?: string | undefined;
  readonly target?: string | undefined;
  readonly "allow-dup-on-recommit"?: boolean | undefined;
  readonly force?: boolean | undefined;
}

/** Where the command line was typed. */
export interface SubmissionPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The submission that the flags describe.
 *
 * @param argv what followed two dashes
 * @throws {AexpError} `cli.usage`, `state_point.invalid`, `sweep.invalid`, `plan.invalid`, `queue.resource_invalid`
 */
export async function toSubmissionRequest(
  repo: Repo,
  flags: SubmissionFlags,
  argv: readonly string[],
  place: SubmissionPlace,
): Promise<SubmissionRequest> {
  if (flags.command !== undefined && argv.length > 0) {
    throw usage("there are two commands: --command and what follows the two dashes", "Give one of them.");
  }
  const command = argv.length > 0 ? argv : flags.command;
  const common = { repo, flags, command, place };
  const planned = flags.plan === undefined ? undefined : await readEntries(common, flags.plan);
  const entries = planned?.entries ?? [toOneEntry(common)];
  const isSweep = entries.length === 1 && entries.some(({ sweep }) => sweep.length > 0);
  return {
    entries,
    group: {
      id: newGroupId(),
      kind: isSweep ? "sweep" : "batch",
      name: planned?.name ?? flags.name ?? experimentsOf(entries),
      caller: place.env["AEXP_CALLER"] || currentUser(),
    },
    owner: currentUser(),
    target: flags.target,
    isShared: (await repo.readDatabaseUrl()) !== undefined,
    graceMs: readTimeMs(place.env, "AEXP_GRACE_S"),
    isForced: flags.force === true,
    isTwinAllowed: flags["allow-dup-on-recommit"] === true,
  };
}

interface Common {
  readonly repo: Repo;
  readonly flags: SubmissionFlags;
  readonly command: CommandTemplate | undefined;
  readonly place: SubmissionPlace;
}

function toOneEntry({ repo, flags, command, place }: Common): SubmissionEntry {
  return {
    place: undefined,
    name: flags.name,
    run: { ...toRunRequest(flags, place.cwd), experimentId: requireExperiment(flags.experiment, "these runs") },
    sweep: parseSweep(flags.sweep ?? []),
    command,
    needs: (flags.needs ?? []).map(parseNeed),
    ...toDetails(flags),
    resources: toKeys(repo, flags.resource ?? [], place.cwd),
    compute: toComputeRequest(flags),
  };
}

function toDetails(flags: SubmissionFlags) {
  return {
    lane: flags.lane ?? DEFAULT_LANE,
    priority: flags.priority ?? 0,
    kind: flags.kind ?? DEFAULT_KIND,
    retries: flags.retries ?? 0,
    timeoutMs: flags.timeout === undefined ? undefined : parseDuration(flags.timeout, "--timeout"),
    tag: flags.tag,
  };
}

/** Flags that describe one run; a plan says these things for each of its entries. */
const ENTRY_FLAGS = ["sp", "sp-json", "sp-file", "sweep", "needs", "name", "hypothesis", "sub-hypothesis"] as const;

async function readEntries(
  common: Common,
  file: string,
): Promise<{ readonly entries: readonly SubmissionEntry[]; readonly name: string | undefined }> {
  const stray = ENTRY_FLAGS.find((name) => common.flags[name] !== undefined);
  if (stray !== undefined) throw usage(`--${stray} cannot be combined with --plan`, "Write it into the plan.");
  const { plan, lineOf } = await parsePlan(file, readNamedFile(file, common.place.cwd, PLAN_FILE));
  const entries: SubmissionEntry[] = [];
  for (const entry of plan.entries) {
    const line = lineOf(entry.index);
    const place = `${file}${line === undefined ? "" : `:${line}`}`;
    entries.push(await atEntry({ place }, () => toPlanEntry(common, entry, place)));
  }
  return { entries, name: plan.name };
}

function toPlanEntry({ repo, flags, command }: Common, entry: PlannedEntry, place: string): SubmissionEntry {
  const { timeout, resources } = entry;
  const details = toDetails(flags);
  return {
    place,
    name: entry.name,
    run: {
      experimentId: requireExperiment(entry.experiment ?? flags.experiment, "this entry"),
      hypothesisId: entry.hypothesis,
      subHypothesisId: entry.subHypothesis,
      parameters: entry.parameters,
      isCodeIgnored: flags["no-commit"],
      allowLocalPath: flags["allow-local-path"],
      isConditionKept: flags["no-resolve"],
    },
    sweep: parseSweep(entry.sweep),
    command: entry.command ?? command,
    needs: entry.needs.map(parseNeed),
    lane: entry.lane ?? details.lane,
    priority: entry.priority ?? details.priority,
    kind: entry.kind ?? details.kind,
    resources: toKeys(repo, [...resources, ...(flags.resource ?? [])], repo.root),
    retries: entry.retries ?? details.retries,
    timeoutMs: timeout === undefined ? details.timeoutMs : parseDuration(timeout, "timeout"),
    tag: entry.tag ?? details.tag,
    compute: mergeComputeRequests([
      ...entry.compute.map((section) => parseComputeRequest(section, "slurm")),
      toComputeRequest(flags),
    ]),
  };
}

function toKeys({ root, home }: Repo, keys: readonly string[], cwd: string): readonly string[] {
  return [...new Set(keys.map((key) => canonicalKey(key, { root, home, cwd })))].toSorted();
}

function requireExperiment(id: string | undefined, what: string): string {
  checkNoteId("experiment", "E", id);
  if (id !== undefined) return id;
  throw usage(`no experiment is named for ${what}`, "Name it with --experiment E001.");
}

function experimentsOf(entries: readonly SubmissionEntry[]): string {
  return [...new Set(entries.map(({ run }) => run.experimentId))].join(", ");
}

const PLAN_FILE = { what: "plan", code: "plan.invalid", hint: "Check the value of --plan." } as const;

function usage(message: string, hint: string): AexpError {
  return new AexpError(message, { code: "cli.usage", hint });
}
