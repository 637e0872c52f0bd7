import type { Leak } from "../ledger/leak.ts";
import { AexpError } from "../model/errors.ts";
import type { ExactObject } from "../model/exact-json.ts";
import type { Stage } from "../pipeline/pipeline.ts";

/**
 * Refuses variables of stages that look like secrets, or match `redact` of aexp.yaml: the pipeline's file is committed, and
 * what it says is kept with every run. A path of this machine may stand there, as no ledger entry has it.
 *
 * @throws {AexpError} `ledger.leaks_credential`
 */
export function checkStageEnv(
  stages: readonly Pick<Stage, "name" | "env">[],
  leaksOf: (value: ExactObject) => readonly Leak[],
): void {
  for (const { name, env } of stages) {
    const leak = leaksOf(new Map(env)).find(({ kind }) => kind === "credential");
    if (leak === undefined) continue;
    throw new AexpError(
      `the variable ${leak.path} of stage ${JSON.stringify(name)} ${leak.problem}, and would be kept with every run`,
      {
        code: "ledger.leaks_credential",
        hint: "Set it in the environment of the worker, which the program inherits. Nothing was submitted.",
      },
    );
  }
}
