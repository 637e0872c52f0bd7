import { relative } from "node:path";

import type { OutputNow } from "../../app/look-at-output.ts";
import type { Repo } from "../../app/repo.ts";
import type { ShownOutput, ShownOutputs } from "../../app/show-outputs.ts";
import { toInstant } from "../../model/clock.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import type { RunOutput } from "../../queue/run-output.ts";
import type { TaskState } from "../../queue/task.ts";
import type { Screen } from "../screen.ts";
import { renderBytes } from "./bytes.ts";
import { shortDigest } from "./digest.ts";
import { paint, type Style } from "./paint.ts";
import { plural } from "./plural.ts";
import { type Column, renderTable } from "./table.ts";
import { cutText, padText } from "./text-width.ts";
import { renderInstant } from "./time.ts";
import { renderCount } from "./value.ts";

/** The outputs of a run as `--json` prints them. */
export interface ShownOutputsJson {
  readonly job_id: string;
  readonly status: string | null;
  readonly outputs: readonly OutputJson[];
}

interface OutputJson {
  readonly output: string;
  readonly kind: string | null;
  readonly digest: string | null;
  readonly bytes: number;
  readonly files: number | null;
  readonly machine: string;
  /** The run in whose folder it lies. */
  readonly holder: string | null;
  /** Relative to the root of the repository, on that machine. */
  readonly path: string | null;
  /** As the queue knows it. */
  readonly noted: { readonly state: string; readonly at: string } | null;
  readonly state: OutputNow;
  readonly aliases: readonly string[];
  readonly read_by: readonly { readonly job_id: string; readonly stage: string; readonly state: TaskState }[];
  readonly items?: readonly ItemJson[];
}

interface ItemJson {
  readonly item: string;
  readonly digest: string;
  readonly bytes: number;
  readonly files: number;
  readonly state: OutputNow;
}

export function toShownOutputsJson({ run, status, outputs }: ShownOutputs, repo: Repo): ShownOutputsJson {
  return { job_id: run, status: status ?? null, outputs: outputs.map((output) => toOutputJson(output, repo)) };
}

function toOutputJson(output: ShownOutput, repo: Repo): OutputJson {
  const { name, kind, digest, bytes, files, machine, located, items, now, itemsNow, readers, aliases } = output;
  return {
    output: name,
    kind: kind ?? null,
    digest: digest ?? null,
    bytes,
    files: files ?? null,
    machine,
    holder: located?.holder ?? null,
    path: located === undefined ? null : pathOf(located, repo),
    noted: located === undefined ? null : toNoted(located),
    state: now,
    aliases,
    read_by: readers.map(({ run, name: stage, state }) => ({ job_id: run, stage, state })),
    ...(items.length > 0 && { items: items.map((item, index) => toItemJson(item, itemsNow[index] ?? "unrecorded")) }),
  };
}

function toItemJson({ item, digest, bytes, files }: RunOutput, state: OutputNow): ItemJson {
  return { item, digest, bytes, files, state };
}

/** Nobody has looked at what is known from records alone. */
function toNoted({ state, checkedAt }: RunOutput): OutputJson["noted"] {
  return checkedAt === 0 ? null : { state, at: toInstant(checkedAt) };
}

/** A block for each output. */
export function renderOutputs({ run, status, outputs }: ShownOutputs, repo: Repo, screen: Screen): string {
  const id = paint("yellow", run.slice(0, 8), screen.color);
  if (outputs.length === 0) return `run ${id} (${toSafeLine(status ?? "without a status")}) has no outputs`;
  const blocks = outputs.map((output) => renderOutput(output, repo, screen));
  return [`run ${id}, ${toSafeLine(status ?? "without a status")}`, ...blocks].join("\n\n");
}

function renderOutput(output: ShownOutput, repo: Repo, screen: Screen): string {
  const { name, kind, digest, bytes, files, now, aliases, readers, items, itemsNow, located } = output;
  const title = `${paint("bold", toSafeLine(name), screen.color)}${kind === undefined ? "" : `  ${toSafeLine(kind)}`}`;
  const count = files === undefined ? "" : ` in ${plural(files, "file")}`;
  const facts: readonly (readonly [string, string])[] = [
    ["digest", digest ?? "none, while its run is not complete"],
    ["size", `${renderBytes(bytes)}${count}`],
    ["place", located === undefined ? placeOfNone(output, repo) : placeOf(output, located, repo)],
    ["state", stateText(now, located, screen)],
    ["aliases", aliases.map((alias) => `@${alias}`).join(", ")],
    ["read by", readers.map((reader) => `${reader.run.slice(0, 8)} ${reader.name} (${reader.state})`).join(", ")],
  ];
  const lines = facts.flatMap(([word, value]) => {
    if (value === "") return [];
    const style = word === "state" ? styleOf(now) : undefined;
    const text = cutText(toSafeLine(value), screen.width - FACT_WIDTH);
    return [`  ${padText(word, 7)}  ${paint(style, text, screen.color)}`];
  });
  const table = items.length === 0 ? [] : [renderItems(items, itemsNow, screen)];
  return [title, ...lines, ...table].join("\n");
}

const FACT_WIDTH = 11;

function placeOf({ machine }: ShownOutput, located: RunOutput, repo: Repo): string {
  const where = machine === repo.machineLabel ? "" : `on ${machine}: `;
  const holder = located.holder === located.run ? "" : `, written by run ${located.holder.slice(0, 8)}`;
  return `${where}${pathOf(located, repo)}${holder}`;
}

function placeOfNone({ machine, items }: ShownOutput, repo: Repo): string {
  const [item] = items;
  if (item !== undefined) return pathOf({ ...item, path: item.path.slice(0, item.path.lastIndexOf("/")) }, repo);
  return machine === repo.machineLabel ? "nothing says where it lies" : `on ${machine}, and not here`;
}

function stateText(now: OutputNow, located: RunOutput | undefined, screen: Screen): string {
  const noted = located === undefined ? null : toNoted(located);
  if (now === "elsewhere") return noted === null ? "" : `${noted.state}, ${renderInstant(noted.at, screen)}`;
  if (now === "unrecorded") return "nothing is left that says what it was";
  if (noted === null) return now;
  return noted.state === now
    ? `${now}, as it was ${renderInstant(noted.at, screen)}`
    : `${now}; ${noted.state} ${renderInstant(noted.at, screen)}`;
}

/** The style of a state: good, bad, or neither. */
function styleOf(now: OutputNow): Style | undefined {
  if (now === "present") return "green";
  return now === "elsewhere" ? undefined : "red";
}

function pathOf({ holder, path }: Pick<RunOutput, "holder" | "path">, repo: Repo): string {
  return `${relative(repo.root, repo.runs.workspaceOf(holder))}/${path}`;
}

/** More items of a stream than these are only counted: the newest are those that one looks for. */
const MAX_ITEMS = 20;

function renderItems(items: readonly RunOutput[], states: readonly OutputNow[], screen: Screen): string {
  const rows = items.map((item, index) => ({ item, state: states[index] ?? "unrecorded" })).slice(-MAX_ITEMS);
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { name: "item", value: ({ item }) => item.item },
    { name: "digest", value: ({ item }) => shortDigest(item.digest) },
    { name: "size", isFixed: true, align: "right", value: ({ item }) => renderBytes(item.bytes) },
    { name: "state", isFixed: true, value: ({ state }) => state, style: ({ state }) => styleOf(state) },
  ];
  const table = renderTable(columns, rows, { width: screen.width - 2, color: screen.color });
  const rest = items.length - rows.length;
  const more = rest > 0 ? [`… and ${renderCount(rest)} before these`] : [];
  return ["", ...table.split("\n"), ...more].map((line) => (line === "" ? "" : `  ${line}`)).join("\n");
}
