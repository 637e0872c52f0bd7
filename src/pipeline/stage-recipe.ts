import { parseExactObject } from "../model/exact-json-reader.ts";
import type { CacheRecipe, InputIdentity } from "./cache-recipe.ts";
import type { InputRecord, InputRecords } from "./resolved-inputs.ts";
import type { StageWork } from "./stage-work.ts";

/** A container image that is named by what it is, and not by a name that moves. */
const IMAGE_DIGEST = /@(sha256:[0-9a-f]{64})$/;

/** Everything that decides what a run of a stage gives, once its inputs are known. */
export function toRecipe(work: StageWork, inputs: InputRecords): CacheRecipe {
  return {
    command: work.command,
    env: work.env,
    parameters: work.parameters,
    // The parameters hold those of the element already.
    element: new Map(),
    outputs: work.outputs,
    inputs: new Map([...inputs].map(([name, input]) => [name, toIdentity(input)])),
    code: work.code,
    // They are files of the tree like all others.
    lockFiles: undefined,
    container: toContainer(work.container),
    salt: work.salt,
  };
}

function toIdentity(input: InputRecord): InputIdentity {
  if (input.kind === "one") return { kind: "one", digest: input.digest };
  const elements = input.elements.map(({ bindings, digest }) => ({ bindings: parseExactObject(bindings), digest }));
  return { kind: "list", elements };
}

function toContainer(image: string | undefined): CacheRecipe["container"] {
  if (image === undefined) return undefined;
  const digest = IMAGE_DIGEST.exec(image)?.[1];
  return digest ?? { unkeyed: `${JSON.stringify(image)} can be another image tomorrow; name it by @sha256:…` };
}
