import * as Flags from "@oclif/core/flags";

import type { RunRequest } from "../app/register-run.ts";
import type { Exact, ExactObject } from "../model/exact-json.ts";
import { parseAssignments, parseStatePointJson } from "../run/state-point-syntax.ts";
import { readNamedFile } from "./read-named-file.ts";

/** What a run is and where it belongs. */
export const RUN_IDENTITY_FLAGS = {
  hypothesis: Flags.string({ summary: "Hypothesis that the run belongs to.", helpValue: "H001" }),
  "sub-hypothesis": Flags.string({ summary: "Sub-hypothesis that the run belongs to.", helpValue: "H001" }),
  sp: Flags.string({
    aliases: ["state-point"],
    summary: 'Parameters, typed as YAML scalars (3 int, 0.1 float, true, "3" text); repeat for more.',
    helpValue: "K=V[,K=V]",
    multiple: true,
    multipleNonGreedy: true,
  }),
  "sp-json": Flags.string({ summary: "Parameters as a JSON object, for lists and nested values.", helpValue: "JSON" }),
  "sp-file": Flags.string({ summary: "Parameters as a file that holds a JSON object.", helpValue: "FILE" }),
  "no-commit": Flags.boolean({ summary: "Leave the commit of the code out of the run's identity." }),
  "no-resolve": Flags.boolean({
    summary: "Take condition=NAME as a mere label, not as the parameters that the experiment gives it.",
  }),
  "allow-local-path": Flags.boolean({
    summary: "Accept parameters that name folders of this machine; they will be committed.",
  }),
};

/** What {@link RUN_IDENTITY_FLAGS} and `--experiment` were given. */
export interface RunIdentityFlags {
  readonly experiment?: string | undefined;
  readonly hypothesis?: string | undefined;
  readonly "sub-hypothesis"?: string | undefined;
  readonly "no-commit"?: boolean | undefined;
  readonly "no-resolve"?: boolean | undefined;
  readonly "allow-local-path"?: boolean | undefined;
  readonly sp?: readonly string[] | undefined;
  readonly "sp-json"?: string | undefined;
  readonly "sp-file"?: string | undefined;
}

/** The run that the flags describe. @throws {AexpError} `state_point.invalid` */
export function toRunRequest(flags: RunIdentityFlags, cwd: string): RunRequest {
  return {
    experimentId: flags.experiment,
    hypothesisId: flags.hypothesis,
    subHypothesisId: flags["sub-hypothesis"],
    parameters: readParameters(flags, cwd),
    isCodeIgnored: flags["no-commit"],
    allowLocalPath: flags["allow-local-path"],
    isConditionKept: flags["no-resolve"],
  };
}

/**
 * The user's own keys: the file's, then those of the JSON text, then the single ones; later ones win.
 *
 * @throws {AexpError} `state_point.invalid`
 */
function readParameters(flags: RunIdentityFlags, cwd: string): ExactObject {
  const parameters = new Map<string, Exact>();
  const { "sp-file": file, "sp-json": json } = flags;
  const sources = [
    ...(file === undefined ? [] : [parseStatePointJson(readNamedFile(file, cwd, SP_FILE), JSON.stringify(file))]),
    ...(json === undefined ? [] : [parseStatePointJson(json, "the value of --sp-json")]),
    parseAssignments(flags.sp ?? []),
  ];
  for (const source of sources) for (const [key, value] of source) parameters.set(key, value);
  return parameters;
}

const SP_FILE = { what: "file", code: "state_point.invalid", hint: "Check the value of --sp-file." } as const;
