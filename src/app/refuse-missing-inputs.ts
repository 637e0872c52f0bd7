import { resolve } from "node:path";

import { AexpError } from "../model/errors.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";

/**
 * A stage that waits for nothing reads its files as soon as it is submitted, and would fail at once. Behind another stage
 * a file may still appear.
 *
 * @param file how messages call the pipeline file
 * @param isThere whether there is a file or folder at an absolute path
 * @throws {AexpError} `pipeline.invalid`, with a line for each file that is not there
 */
export function refuseMissingInputs(
  root: string,
  file: string,
  { stages }: Pipeline,
  isThere: (path: string) => boolean,
): void {
  const missing = [...stages.values()].flatMap(({ name: stage, inputs, needs }) => {
    if (needs.length > 0 || inputs.some(({ kind }) => kind === "stage" || kind === "all")) return [];
    return inputs.flatMap((input) =>
      input.kind === "path" && !isThere(resolve(root, input.path))
        ? [`${file}: there is no ${JSON.stringify(input.path)}, which ${stage} reads as {inputs.${input.name}}`]
        : [],
    );
  });
  if (missing.length === 0) return;
  throw new AexpError(`${missing.join("\n")}\nNothing was queued`, {
    code: "pipeline.invalid",
    hint: `Paths of inputs begin at ${root}, or are absolute.`,
  });
}
