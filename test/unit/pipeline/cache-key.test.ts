import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { isTreeId, type TreeId } from "../../../src/code/code-identity.ts";
import { type Exact, type ExactObject, toExact } from "../../../src/model/exact-json.ts";
import { parseExactObject } from "../../../src/model/exact-json-reader.ts";
import { toDigest } from "../../../src/output/digest.ts";
import { isCacheKey, parseRecipe, toCacheKey, toObjectKey, toRecipeText } from "../../../src/pipeline/cache-key.ts";
import { type CacheRecipe, toRecipeObject } from "../../../src/pipeline/cache-recipe.ts";
import { expandPipeline } from "../../../src/pipeline/expand.ts";
import { firstDifference } from "../../../src/pipeline/recipe-difference.ts";
import { pipelineOf } from "../../helpers/pipelines.ts";

const OUTPUT = { name: "model", path: "model", kind: "file", stream: false, hash: "content" } as const;

const RECIPE: CacheRecipe = {
  command: "train --lr {lr}",
  env: new Map([["THREADS", "1"]]),
  parameters: parseExactObject('{"depth": 3, "net": {"layers": [8, 8]}}'),
  element: parseExactObject('{"lr": 1}'),
  outputs: [OUTPUT],
  inputs: new Map([
    ["data", { kind: "one", digest: digest("a") }],
    [
      "models",
      {
        kind: "list",
        elements: [
          { bindings: parseExactObject('{"seed": 0}'), digest: digest("b") },
          { bindings: parseExactObject('{"seed": 1}'), digest: digest("c") },
        ],
      },
    ],
  ]),
  code: { tree: tree("1"), commit: undefined, dirty: true },
  lockFiles: digest("d"),
  container: "sha256:1",
  salt: undefined,
};

describe("the cache key", () => {
  it("stays what it is: it names what was computed before", () => {
    // As Python's hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()) says.
    expect(toCacheKey(RECIPE)).toBe("9875ab572a8d5fafe585e82bb09f94f4e87a8aa0191f0b45d40a7a76dedbc534");
  });

  it.each<{ field: string; change: Partial<CacheRecipe>; was: string | undefined; is: string | undefined }>([
    {
      field: "command",
      change: { command: ["train", "--lr", "{lr}"] },
      was: '"train --lr {lr}"',
      is: '["train","--lr","{lr}"]',
    },
    { field: "parameters.lr", change: { element: exact('{"lr": 1.0}') }, was: "1", is: "1.0" },
    { field: "parameters.lr", change: { element: exact('{"lr": "1"}') }, was: "1", is: '"1"' },
    { field: "parameters.lr", change: { element: new Map() }, was: "1", is: undefined },
    {
      field: "parameters.net.layers.1",
      change: { parameters: exact('{"depth": 3, "net": {"layers": [8, 9]}}') },
      was: "8",
      is: "9",
    },
    { field: "env.THREADS", change: { env: new Map([["THREADS", "2"]]) }, was: '"1"', is: '"2"' },
    { field: "env.A", change: { env: new Map([...RECIPE.env, ["A", ""]]) }, was: undefined, is: '""' },
    { field: "outputs.model.path", change: { outputs: [{ ...OUTPUT, path: "m" }] }, was: '"model"', is: '"m"' },
    { field: "outputs.model.kind", change: { outputs: [{ ...OUTPUT, kind: "k" }] }, was: '"file"', is: '"k"' },
    { field: "outputs.model.marker", change: { outputs: [{ ...OUTPUT, marker: "M" }] }, was: undefined, is: '"M"' },
    { field: "outputs.model.stream", change: { outputs: [{ ...OUTPUT, stream: true }] }, was: "false", is: "true" },
    { field: "outputs.model.hash", change: { outputs: [{ ...OUTPUT, hash: "stat" }] }, was: '"content"', is: '"stat"' },
    {
      field: "inputs.data",
      change: { inputs: new Map([...RECIPE.inputs, ["data", { kind: "one", digest: digest("e") }]]) },
      was: JSON.stringify(digest("a")),
      is: JSON.stringify(digest("e")),
    },
    {
      field: "inputs.models.1",
      change: {
        inputs: new Map([
          ...RECIPE.inputs,
          ["models", { kind: "list", elements: [{ bindings: exact('{"seed": 0}'), digest: digest("b") }] }],
        ]),
      },
      was: `{"element":{"seed":1},"digest":"${digest("c")}"}`,
      is: undefined,
    },
    {
      field: "code",
      change: { code: { tree: tree("2"), commit: undefined, dirty: true } },
      was: quoted("1"),
      is: quoted("2"),
    },
    { field: "lock_files", change: { lockFiles: undefined }, was: JSON.stringify(digest("d")), is: undefined },
    { field: "container", change: { container: "sha256:2" }, was: '"sha256:1"', is: '"sha256:2"' },
    { field: "salt", change: { salt: "x" }, was: undefined, is: '"x"' },
  ])("changes with $field, which is then the first difference: $was, $is", ({ field, change, was, is }) => {
    const changed = { ...RECIPE, ...change };

    expect(toCacheKey(changed)).not.toBe(toCacheKey(RECIPE));
    expect(firstDifference(objectOf(RECIPE), objectOf(changed))).toEqual(
      JSON.parse(JSON.stringify({ field, was, is })),
    );
  });

  it("does not change with the order of anything that has names, nor with commits, nor with where a parameter stands", () => {
    fc.assert(
      fc.property(recipes(), fc.infiniteStream(fc.nat()), (recipe, randoms) => {
        const shuffled: CacheRecipe = {
          ...recipe,
          env: shuffle(recipe.env, randoms),
          parameters: shuffle(new Map([...recipe.parameters, ...recipe.element]), randoms),
          element: new Map(),
          inputs: shuffle(recipe.inputs, randoms),
          outputs: [...shuffle(new Map(recipe.outputs.map((output) => [output.name, output])), randoms).values()],
          code: { tree: tree("1"), commit: "a".repeat(40), dirty: false },
        };

        expect(toCacheKey(shuffled)).toBe(toCacheKey(recipe));
        expect(firstDifference(objectOf(recipe), objectOf(shuffled))).toBeUndefined();
      }),
    );
  });

  it("is equal exactly when there is no difference", () => {
    fc.assert(
      fc.property(recipes(), recipes(), (one, other) => {
        const difference = firstDifference(objectOf(one), objectOf(other));

        expect(toCacheKey(one) === toCacheKey(other)).toBe(difference === undefined);
      }),
    );
  });

  it("comes from what a stage says of its work, and not from names, lanes, priorities, resources, timeouts, tags", async () => {
    const one = await recipesOf(`name: one
defaults: {experiment: E001}
stages:
  train: {command: "x {lr} {depth}", sp: {depth: 1, width: 2}, sweep: {lr: [0.1, 1]}, outputs: {o: {path: o}}}
`);
    const other = await recipesOf(`name: other
stages:
  first: {command: y}
  learn:
    command: "x {lr} {depth}"
    sp: {width: 2, depth: 1}
    sweep: {lr: 0.1|1|2}
    outputs: {o: {path: ./o/}}
    needs: first
    lane: gpu
    priority: 7
    kind: big
    resources: {keys: gpu, mem: 1T, cpus: 8, time: 1h}
    retry: {attempts: 5}
    timeout: 3s
    tag: nightly
    experiment: E002
    hypothesis: H001
`);

    expect(other.slice(1).map(toCacheKey).slice(0, 2)).toEqual(one.map(toCacheKey));
  });

  it("is not there when a part is not known, and then says which", () => {
    const unkeyed = { unkeyed: "there is no git" };

    expect(toCacheKey({ ...RECIPE, code: unkeyed })).toEqual(unkeyed);
    expect(toCacheKey({ ...RECIPE, inputs: new Map([["raw", { unkeyed: "it is missing" }]]) })).toEqual({
      unkeyed: 'the input "raw": it is missing',
    });
    expect(toCacheKey({ ...RECIPE, lockFiles: unkeyed })).toEqual({ unkeyed: "the lock files: there is no git" });
    expect(toCacheKey({ ...RECIPE, container: unkeyed })).toEqual({ unkeyed: "the container: there is no git" });
  });

  it("proves that a recipe that was kept is the right one", () => {
    fc.assert(
      fc.property(recipes(), (recipe) => {
        const object = objectOf(recipe);
        const key = toObjectKey(object);
        const text = toRecipeText(object);

        expect(isCacheKey(key)).toBe(true);
        expect(key).toBe(toCacheKey(recipe));
        expect(toRecipeText(parseRecipe(text, key) ?? new Map())).toBe(text);
        expect(parseRecipe(text.replace('"recipe": 1', '"recipe": 2'), key)).toBeUndefined();
        expect(parseRecipe(text.slice(1), key)).toBeUndefined();
      }),
    );
  });
});

async function recipesOf(text: string): Promise<readonly CacheRecipe[]> {
  const pipeline = await pipelineOf(text);
  return expandPipeline(pipeline).elements.flatMap(({ stage: name, bindings: element }) => {
    const stage = pipeline.stages.get(name);
    if (stage === undefined) return [];
    const { command, env, parameters, outputs } = stage;
    return [{ ...RECIPE, command, env, parameters, element, outputs, inputs: new Map(), salt: stage.cacheSalt }];
  });
}

function recipes(): fc.Arbitrary<CacheRecipe> {
  const name = fc.constantFrom("a", "b", "ü", "__proto__", "1");
  const value: fc.Arbitrary<Exact> = fc
    .oneof(fc.constantFrom("1", "1.0", '"1"', "null", "[1]", "[]", '{"a": 1}', "1e-05"), fc.integer().map(String))
    .map((text) => parseExactObject(`{"v": ${text}}`).get("v") ?? null);
  const parameters = fc.dictionary(name, value, { maxKeys: 3 }).map((entries) => new Map(Object.entries(entries)));
  const digests = fc.constantFrom("a", "b").map(digest);
  return fc.record({
    command: fc.oneof(fc.constantFrom("x", "x {a}"), fc.constant(["x", "{a}"])),
    env: fc.array(fc.tuple(name, fc.constantFrom("1", "")), { maxLength: 3 }).map((entries) => new Map(entries)),
    parameters,
    element: parameters.map((entries) => new Map([...entries].map(([key, item]) => [`swept_${key}`, item]))),
    outputs: fc
      .uniqueArray(name, { maxLength: 3 })
      .map((names) => names.map((output) => ({ ...OUTPUT, name: output, path: output }))),
    inputs: fc
      .array(fc.tuple(name, digests), { maxLength: 3 })
      .map((entries) => new Map(entries.map(([key, of]) => [key, { kind: "one" as const, digest: of }]))),
    code: fc.constant(RECIPE.code),
    lockFiles: fc.option(digests, { nil: undefined }),
    container: fc.option(fc.constant("sha256:1"), { nil: undefined }),
    salt: fc.option(fc.constantFrom("", "x"), { nil: undefined }),
  });
}

function shuffle<V>(map: ReadonlyMap<string, V>, randoms: Iterator<number>): ReadonlyMap<string, V> {
  const entries = [...map].map((entry) => ({ entry, at: Number(randoms.next().value) }));
  return new Map(entries.toSorted((a, b) => a.at - b.at).map(({ entry }) => entry));
}

function objectOf(recipe: CacheRecipe): ExactObject {
  const made = toRecipeObject(recipe);
  if ("unkeyed" in made) throw new Error(made.unkeyed);
  return made;
}

function exact(text: string): ExactObject {
  return parseExactObject(text);
}

function digest(letter: string) {
  return toDigest("sha256", letter.repeat(64));
}

function tree(digit: string): TreeId {
  const id = digit.repeat(40);
  if (isTreeId(id)) return id;
  throw new Error(`${id} is no tree`);
}

function quoted(digit: string): string {
  return JSON.stringify(toExact(tree(digit)));
}
