import type { PolicyState } from "../../app/list-policies.ts";
import type { PolicyRunOutcome } from "../../app/run-policy.ts";
import { toInstant } from "../../model/clock.ts";
import type { Policy } from "../../pipeline/policy.ts";
import type { SeenOutput } from "../../queue/policy.ts";
import type { Screen } from "../screen.ts";
import { shortDigest } from "./digest.ts";
import { type Column, renderTable } from "./table.ts";
import { renderInstant } from "./time.ts";
import { renderCount } from "./value.ts";

/** A policy as `--json` prints it. */
export interface PolicyJson {
  readonly policy: string;
  readonly on: {
    readonly kind: string;
    readonly pipeline?: string;
    readonly stage?: string;
    readonly experiment?: string;
    readonly every_n: number;
  };
  readonly trust: PolicyState["trust"];
  readonly fired: number;
  readonly pending: number;
  readonly last: (OutputJson & { readonly job_id: string; readonly fired_at: string }) | null;
}

/** An output that a policy has seen, as `--json` prints it. */
interface OutputJson {
  readonly run: string;
  readonly output: string;
  readonly item: string | null;
  readonly digest: string;
}

/** What a policy made up for, as `--json` prints it. */
export interface PolicyRunJson {
  readonly policy: string;
  readonly outputs: readonly OutputJson[];
  readonly runs: readonly string[];
}

export function toPolicyJson({ policy, trust, fired, pending, last }: PolicyState): PolicyJson {
  const { everyN, ...listens } = policy.listens;
  return {
    policy: policy.name,
    on: { ...listens, every_n: everyN },
    trust,
    fired,
    pending,
    last: last === undefined ? null : { job_id: last.run, fired_at: toInstant(last.firedAt), ...toOutputJson(last) },
  };
}

function toOutputJson({ source, output, item, digest }: SeenOutput): OutputJson {
  return { run: source, output, item: item === "" ? null : item, digest };
}

/** A line for each policy. */
export function renderPolicies(policies: readonly PolicyState[], screen: Screen): string {
  const columns: readonly Column<PolicyState>[] = [
    { name: "policy", value: ({ policy }) => policy.name },
    { name: "listens to", value: ({ policy }) => listensTo(policy) },
    { name: "trusted", isFixed: true, value: ({ trust }) => TRUST_WORDS[trust] },
    { name: "fired", isFixed: true, align: "right", value: ({ fired }) => renderCount(fired) },
    { name: "pending", isFixed: true, align: "right", value: ({ pending }) => renderCount(pending) },
    { name: "last run", isFixed: true, value: ({ last }) => last?.run.slice(0, 8) ?? "", style: () => "yellow" },
    {
      name: "last",
      isFixed: true,
      value: ({ last }) => (last === undefined ? "" : renderInstant(toInstant(last.firedAt), screen)),
    },
  ];
  return renderTable(columns, policies, { width: screen.width, color: screen.color });
}

const TRUST_WORDS: Readonly<Record<PolicyState["trust"], string>> = {
  trusted: "yes",
  untrusted: "no",
  changed: "changed",
};

function listensTo({ listens: { kind, pipeline, stage, experiment, everyN } }: Policy): string {
  const places = [pipeline, stage, experiment].flatMap((place) => place ?? []);
  return [
    kind,
    ...(places.length === 0 ? [] : ["of", places.join(" ")]),
    ...(everyN === 1 ? [] : [`every ${everyN}`]),
  ].join(" ");
}

export function toPolicyRunJson({ policy, outputs, runs }: PolicyRunOutcome): PolicyRunJson {
  return { policy: policy.name, outputs: outputs.map(toOutputJson), runs };
}

/** What a policy was asked to make up for, a line for each output. */
export function renderPolicyRun({ policy, outputs, runs }: PolicyRunOutcome, screen: Screen): string {
  if (outputs.length === 0) return `${policy.name} has nothing to make up for.`;
  const columns: readonly Column<SeenOutput>[] = [
    { name: "run", isFixed: true, value: ({ source }) => source.slice(0, 8), style: () => "yellow" },
    { name: "output", value: ({ output }) => output },
    { name: "item", value: ({ item }) => item },
    { name: "digest", value: ({ digest }) => shortDigest(digest) },
  ];
  const table = renderTable(columns, outputs, { width: screen.width, color: screen.color });
  const count = runs.length === 1 ? "1 run was" : `${renderCount(runs.length)} runs were`;
  return runs.length === 0 ? table : `${table}\n\n${count} submitted. Workers execute them: \`aexp worker start\`.`;
}
