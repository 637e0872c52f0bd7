import type { CodeIdentity, UnkeyedCode } from "../code/code-identity.ts";
import type { CodeStore } from "../code/code-store.ts";
import type { Stage } from "../pipeline/pipeline.ts";

/** It says where and when stages are executed, as the pipeline's own file does: what of that counts is in the key by itself. */
const CONFIG_FILE = "aexp.yaml";

/** Stages with the same paths have the same code; what pins their programs' dependencies belongs to it. */
export function codeKey({ codePaths }: Stage): string {
  return JSON.stringify(codePaths ?? null);
}

/**
 * Captures the code of stages, once for all that have the same.
 *
 * @param file the pipeline's own, relative to the root, when it lies in the repository
 * @returns by what {@link codeKey} gives
 */
export async function captureCodes(
  code: Pick<CodeStore, "captureCode">,
  stages: readonly Stage[],
  file: string | undefined,
): Promise<ReadonlyMap<string, CodeIdentity | UnkeyedCode>> {
  const except = file === undefined ? [CONFIG_FILE] : [CONFIG_FILE, file];
  const codes = new Map<string, CodeIdentity | UnkeyedCode>();
  for (const stage of stages) {
    const key = codeKey(stage);
    if (codes.has(key)) continue;
    const { codePaths } = stage;
    // What is named as code is code.
    codes.set(key, await code.captureCode(codePaths === undefined ? { except } : { paths: codePaths }));
  }
  return codes;
}
