import * as Flags from "@oclif/core/flags";

import type { RunQuery } from "../app/list-runs.ts";
import { AexpError, messageOf } from "../model/errors.ts";
import { toPlain } from "../model/exact-json.ts";
import { parseExactJson } from "../model/exact-json-reader.ts";
import { RUN_STATUSES } from "../run/run-status.ts";
import { checkKnown, parseSince } from "./list-flags.ts";

/** Which runs a command is about. */
export const RUN_FILTER_FLAGS = {
  experiment: Flags.string({ summary: "Only runs of this experiment.", helpValue: "E001", helpGroup: "FILTER" }),
  hypothesis: Flags.string({
    summary: "Only runs of this hypothesis or sub-hypothesis.",
    helpValue: "H001",
    helpGroup: "FILTER",
  }),
  status: Flags.string({
    summary: "Only runs with this status; repeat for several.",
    helpValue: "STATUS",
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: "FILTER",
  }),
  sp: Flags.string({
    aliases: ["state-point"],
    summary: "Only runs with this parameter, value and kind: 1 is not 1.0; repeat for several.",
    helpValue: "K=V",
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: "FILTER",
  }),
  filter: Flags.string({
    summary: 'Only runs that match a signac query, e.g. \'{"sp.lr": {"$lt": 0.1}}\'.',
    helpValue: "JSON",
    helpGroup: "FILTER",
  }),
  machine: Flags.string({
    summary: "Only runs of the machine with this label.",
    helpValue: "LABEL",
    helpGroup: "FILTER",
  }),
  local: Flags.boolean({ summary: "Only runs that are on this machine.", helpGroup: "FILTER" }),
  since: Flags.string({
    summary: "Only runs made since an age or a date: 2d, 3h, 2026-03-01.",
    helpValue: "WHEN",
    helpGroup: "FILTER",
  }),
};

/** What {@link RUN_FILTER_FLAGS} were given. */
export interface RunFilterValues {
  readonly experiment?: string | undefined;
  readonly hypothesis?: string | undefined;
  readonly status?: readonly string[] | undefined;
  readonly sp?: readonly string[] | undefined;
  readonly filter?: string | undefined;
  readonly machine?: string | undefined;
  readonly local?: boolean | undefined;
  readonly since?: string | undefined;
}

/** @throws {AexpError} `cli.usage` naming the flag that makes no sense */
export async function toRunQuery(flags: RunFilterValues, nowMs: number): Promise<RunQuery> {
  const statuses = flags.status?.flatMap((text) => text.split(","));
  for (const status of statuses ?? []) checkKnown("status", status, RUN_STATUSES);
  return {
    experiment: flags.experiment,
    hypothesis: flags.hypothesis,
    statuses,
    parameters: flags.sp === undefined ? undefined : await readAssignments(flags.sp),
    filter: flags.filter === undefined ? undefined : await readFilter(flags.filter),
    machine: flags.machine,
    isLocalOnly: flags.local,
    sinceMs: flags.since === undefined ? undefined : parseSince(flags.since, nowMs),
  };
}

async function readAssignments(texts: readonly string[]): Promise<RunQuery["parameters"]> {
  const { parseAssignments } = await import("../run/state-point-syntax.ts");
  return parseAssignments(texts);
}

async function readFilter(text: string): Promise<RunQuery["filter"]> {
  const { parseRunFilter } = await import("../run/run-filter.ts");
  try {
    return parseRunFilter(toPlain(parseExactJson(text)));
  } catch (error) {
    if (!(error instanceof AexpError)) throw error;
    throw new AexpError(`--filter: ${messageOf(error)}`, { code: "cli.usage", hint: error.hint, cause: error });
  }
}
