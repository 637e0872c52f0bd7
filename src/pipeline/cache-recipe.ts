import type { CodeIdentity, UnkeyedCode } from "../code/code-identity.ts";
import { compareCodePoints, type Exact, type ExactObject, toExact } from "../model/exact-json.ts";
import type { OutputDeclaration } from "../output/declaration.ts";
import type { Digest } from "../output/digest.ts";
import type { CommandTemplate } from "../queue/command-template.ts";

/** Why something has no identity: a sentence. What has none is never the same as anything. */
export interface Unkeyed {
  readonly unkeyed: string;
}

/** What an input is, wherever it is. */
export type InputIdentity =
  | { readonly kind: "one"; readonly digest: Digest }
  /** Of an input with `all`, in the order of the elements; one that did not succeed is not among them. */
  | {
      readonly kind: "list";
      readonly elements: readonly { readonly bindings: ExactObject; readonly digest: Digest }[];
    };

/**
 * Everything that decides what an execution of a stage's element gives. What is not here cannot keep it from being taken
 * from the cache: names, lanes, priorities, resources, timeouts, tags, machines, owners, places.
 */
export interface CacheRecipe {
  /** As written, before any placeholder is filled in. */
  readonly command: CommandTemplate;
  /** The declared variables. */
  readonly env: ReadonlyMap<string, string>;
  /** Parameters that hold for all elements, those of a condition among them. */
  readonly parameters: ExactObject;
  /** The swept parameters of this element. */
  readonly element: ExactObject;
  readonly outputs: readonly OutputDeclaration[];
  readonly inputs: ReadonlyMap<string, InputIdentity | Unkeyed>;
  readonly code: CodeIdentity | UnkeyedCode;
  /** Of the files that pin what the program depends on; `undefined` where there are none. */
  readonly lockFiles: Digest | Unkeyed | undefined;
  /** Of the container's image; `undefined` for a program that runs in none. */
  readonly container: string | Unkeyed | undefined;
  readonly salt: string | undefined;
}

/** The form of recipes that is written now. Another one is another identity. */
const RECIPE_VERSION = 1;

/**
 * The recipe as one exact object, in which equal recipes are equal: parameters and sweep together, because a program
 * cannot tell them apart; inputs, outputs and variables by name; of the code nothing but its tree.
 *
 * @returns the reason when a part of it is not known
 */
export function toRecipeObject(recipe: CacheRecipe): ExactObject | Unkeyed {
  const { command, env, parameters, element, outputs, inputs, code, lockFiles, container, salt } = recipe;
  const missing = findUnkeyed(recipe);
  if (missing !== undefined) return missing;
  return new Map<string, Exact>([
    ["recipe", toExact(RECIPE_VERSION)],
    ["command", typeof command === "string" ? command : [...command]],
    ["parameters", new Map([...parameters, ...element])],
    ["env", new Map(env)],
    ["inputs", new Map([...inputs].map(([name, input]) => [name, toInputExact(input)]))],
    ["outputs", new Map(outputs.map((output) => [output.name, toOutputExact(output)]))],
    ["code", "tree" in code ? code.tree : null],
    ["lock_files", typeof lockFiles === "string" ? lockFiles : null],
    ["container", typeof container === "string" ? container : null],
    ["salt", salt ?? null],
  ]);
}

function findUnkeyed({ code, inputs, lockFiles, container }: CacheRecipe): Unkeyed | undefined {
  if ("unkeyed" in code) return { unkeyed: code.unkeyed };
  for (const [name, input] of [...inputs].toSorted(([a], [b]) => compareCodePoints(a, b))) {
    if ("unkeyed" in input) return { unkeyed: `the input ${JSON.stringify(name)}: ${input.unkeyed}` };
  }
  if (typeof lockFiles === "object") return { unkeyed: `the lock files: ${lockFiles.unkeyed}` };
  if (typeof container === "object") return { unkeyed: `the container: ${container.unkeyed}` };
  return undefined;
}

function toInputExact(input: InputIdentity | Unkeyed): Exact {
  if ("unkeyed" in input) return null;
  if (input.kind === "one") return input.digest;
  return input.elements.map(
    ({ bindings, digest }) =>
      new Map<string, Exact>([
        ["element", bindings],
        ["digest", digest],
      ]),
  );
}

function toOutputExact({ path, kind, marker, stream, hash }: OutputDeclaration): ExactObject {
  return new Map<string, Exact>([
    ["path", path],
    ["kind", kind],
    ["marker", marker ?? null],
    ["stream", stream],
    ["hash", hash],
  ]);
}
