import type { Digest } from "../output/digest.ts";
import type { TemplateValues } from "../queue/command-template.ts";
import { type TemplateSubject, toTemplateValues } from "../queue/template-values.ts";

/** What an input is when the command is filled in. */
export type ResolvedInput =
  | { readonly kind: "one"; readonly path: string; readonly digest: Digest | undefined }
  /** Of several paths, which a file lists as JSON. */
  | { readonly kind: "list"; readonly listFile: string; readonly digest: Digest | undefined };

/** What the command of a stage's run may say. Paths are absolute. */
export interface StageSubject extends TemplateSubject {
  /** The repository. */
  readonly repo: string;
  readonly inputs: ReadonlyMap<string, ResolvedInput>;
  /** Where each output is to be written. */
  readonly outputs: ReadonlyMap<string, string>;
}

/**
 * What the placeholders of a stage's command stand for: `inputs.NAME`, `inputs.NAME.list`, `inputs.NAME.digest`,
 * `outputs.NAME`, `run.id`, `run.dir`, `repo`, and all that a queued run has: its parameters, `job_id`, `workspace`,
 * `sp_json`. The first ones win over parameters. For the run of a policy `input` and `input.digest` are its only input.
 */
export function toStageValues(subject: StageSubject): TemplateValues {
  const { inputs, outputs, repo, jobId, workspace } = subject;
  const queued = toTemplateValues(subject);
  const own = new Map([
    ["run.id", jobId],
    ["run.dir", workspace],
    ["repo", repo],
    ...[...inputs].flatMap(([name, input]) => entriesOf(name, input)),
    ...[...outputs].map(([name, path]): [string, string] => [`outputs.${name}`, path]),
  ]);
  return {
    valueOf: (name) => own.get(name) ?? queued.valueOf(name) ?? own.get(name.replace(OF_POLICY, "inputs.input")),
    names: () => [...own.keys(), ...queued.names()],
  };
}

/** The placeholder of a policy's input. A stage cannot have it: nothing defines it there but a parameter. */
const OF_POLICY = /^input(?=\.|$)/;

function entriesOf(name: string, input: ResolvedInput): [string, string][] {
  const entries: [string, string][] =
    input.kind === "one" ? [[`inputs.${name}`, input.path]] : [[`inputs.${name}.list`, input.listFile]];
  if (input.digest !== undefined) entries.push([`inputs.${name}.digest`, input.digest]);
  return entries;
}
