import { describe, expect, it } from "vitest";

import { toPipelineError } from "../../../src/pipeline/fault.ts";
import { readPipeline } from "../../../src/pipeline/read-pipeline.ts";
import { toPythonJson } from "../../../src/model/exact-json.ts";
import { faultsOf, pipelineOf } from "../../helpers/pipelines.ts";

const EXAMPLE = `name: train-eval
pins: {base: "@baseline"}              # alias or job id; must be complete; resolved once, stored with the group
defaults: {experiment: E001, lane: gpu}
stages:
  prepare:
    command: [python3, prepare.py, --out, "{outputs.data}"]
    inputs:  {raw: {path: data/raw.csv}}
    outputs: {data: {path: prepared, kind: dataset}}
  train:
    command: python3 train.py --data {inputs.data} --lr {lr} --out {outputs.model}
    sweep: {lr: [0.1, 0.01], seed: 0..2}     # one run per element
    inputs:  {data: {stage: prepare}}
    outputs: {model: {path: model, marker: DONE}}
    resources: {keys: [gpu:0], mem: 8GB, time: 1h}
    retry: {attempts: 2, on: [lost]}
  report:
    command: python3 report.py {inputs.models.list} > {outputs.table}
    inputs:  {models: {stage: train, output: model, all: true}}   # JSON list file of {element, path, digest}
    outputs: {table: {path: table.csv}}
`;

describe("a pipeline file", () => {
  it("is told with each of its faults what to write instead", async () => {
    const text = "name: p\ndefaults: {experiment: E001}\nstages:\n  a: {command: x, needs: ['?'], timeout: soon}\n";

    expect(await faultsOf(text)).toEqual([
      'p.yaml:4:27: "?" names no run that is needed. Give a name or a job id; with a ? behind it, its failure will do as well',
      'p.yaml:4:42: timeout="soon" is not a duration between 1 ms and 24 days. Write it like 90s, 15m, 1.5h or 2h30m',
    ]);
  });

  it("is not told about flags of a command line", async () => {
    const text =
      "name: p\nstages:\n  a: {command: x, sweep: 'seed=0,=1'}\n  b: {command: x, sp: {experiment_id: E007}}\n";

    expect(await faultsOf(text)).toEqual([
      'p.yaml:3:26: "=1" in the sweep "seed=0,=1" names no key: expected KEY=V|V or KEY=A..B',
      'p.yaml:4:24: "experiment_id" cannot be a parameter: write experiment: E007',
    ]);
  });

  it("is read with its defaults", async () => {
    const pipeline = await pipelineOf(EXAMPLE);

    expect([...pipeline.pins]).toEqual([["base", { kind: "alias", alias: "baseline" }]]);
    expect([...pipeline.stages.keys()]).toEqual(["prepare", "train", "report"]);
    expect(pipeline.stages.get("train")).toMatchObject({
      experiment: "E001",
      lane: "gpu",
      inputs: [{ kind: "stage", name: "data", stage: "prepare", output: "data" }],
      outputs: [{ name: "model", path: "model", kind: "file", marker: "DONE", stream: false, hash: "content" }],
      resources: ["gpu:0"],
      compute: { mem: "8G", time: "60" },
      retry: { maxAttempts: 2, on: ["lost"] },
      cache: "on",
    });
    expect(pipeline.stages.get("report")?.inputs).toEqual([
      { kind: "all", name: "models", stage: "train", output: "model" },
    ]);
  });

  it("merges parameters and variables of stages over those of the file, and lets sweeps replace them", async () => {
    const { stages } = await pipelineOf(`
name: p
defaults:
  sp: {lr: 0.1, depth: 3}
  env: {A: "1", B: 2.50, C: true}
  timeout: 90
  cache_salt: 1
stages:
  a: {command: "x {lr} {depth} {width}", sp: {depth: 4}, sweep: {lr: "0.5|1", width: [8]}, env: {A: own}, timeout: 2h}
`);
    const stage = stages.get("a");

    expect(toPythonJson(stage?.parameters ?? null)).toBe('{"depth": 4}');
    expect(stage?.sweep.map(({ key, values }) => [key, values.map((value) => toPythonJson(value))])).toEqual([
      ["lr", ["0.5", "1"]],
      ["width", ["8"]],
    ]);
    expect([...(stage?.env ?? [])]).toEqual([
      ["A", "own"],
      ["B", "2.5"],
      ["C", "true"],
    ]);
    expect(stage).toMatchObject({ timeoutMs: 7_200_000, cacheSalt: "1" });
  });

  it("takes sweeps as --sweep does, and lists of any values", async () => {
    const { stages } = await pipelineOf(`
name: p
stages:
  text: {command: x, sweep: "a=1|2,b=0..1"}
  texts: {command: x, sweep: ["a=1|2", "b=0..1"]}
  lists: {command: x, sweep: {net: [{layers: [8]}, {layers: [8, 8]}], opt: adam|sgd, fixed: 1.0}}
`);
    const written = [...stages.values()].map(({ sweep }) =>
      sweep.map(({ key, values }) => `${key}: ${toPythonJson(values)}`),
    );

    expect(written).toEqual([
      ["a: [1, 2]", "b: [0, 1]"],
      ["a: [1, 2]", "b: [0, 1]"],
      ['net: [{"layers": [8]}, {"layers": [8, 8]}]', 'opt: ["adam", "sgd"]', "fixed: [1.0]"],
    ]);
  });

  it("keeps the order of stages that are called by numbers, and knows names such as __proto__", async () => {
    const { stages } = await pipelineOf(`
name: p
stages:
  "10": {command: x}
  "9": {command: x, needs: __proto__}
  __proto__: {command: x}
  größe.1: {command: x, needs: ["9", 10?]}
`);

    expect([...stages.keys()]).toEqual(["10", "9", "__proto__", "größe.1"]);
    expect(stages.get("größe.1")?.needs).toEqual([
      { name: "9", condition: "success" },
      { name: "10", condition: "ended" },
    ]);
  });

  it("knows every kind of input", async () => {
    const { stages } = await pipelineOf(`
name: p
pins: {base: 0123abcd}
stages:
  many: {command: x, sweep: {seed: 0..4}, outputs: {o: {path: o}, log: {path: a/../log/}}}
  a:
    command: x
    min_success: 3
    inputs:
      data: {path: /data/huge, hash: stat}
      pinned: {pin: base, output: model}
      alias: {alias: "@best"}
      all: {stage: many, output: log, all: true}
`);

    expect(stages.get("a")?.inputs).toEqual([
      { kind: "path", name: "data", path: "/data/huge", hash: "stat" },
      { kind: "pin", name: "pinned", pin: "base", output: "model" },
      { kind: "alias", name: "alias", alias: "best" },
      { kind: "all", name: "all", stage: "many", output: "log", minSuccess: 3 },
    ]);
    expect(stages.get("many")?.outputs.map(({ path }) => path)).toEqual(["o", "log"]);
  });
});

describe("the faults of a pipeline file", () => {
  it("are told all at once, each with its place and what was meant", async () => {
    const faults = await faultsOf(`name: bad
pins: {base: "@baseline", other: nonsense}
defaults: {experiment: X1, lanes: gpu, timeout: soon}
stages:
  prepare:
    command: [python3, prepare.py]
    inputs:  {raw: {path: data/raw.csv, al: true}}
    outputs: {data: {path: ../prepared}, b: {path: x}, c: {path: ./x/}}
    secrets: {TOKEN: b}
  train:
    command: python3 train.py {inputs.data} {lr}
    sweep: {lr: [0.1, 0.01, 0.1], seed: 2..0}
    inputs:  {data: {stage: prepar}, x: {stage: train, path: z}}
    outputs: {model: {path: /model}}
    resources: {keys: [gpu:0], memm: 8GB, time: 1x}
    retry: {attempts: 0, on: [losst]}
    needs: [a, b?, b]
  a: {command: "", needs: b}
  b: {command: y, needs: [c]}
  c: {command: x, needs: [a?], priority: high}
  "bad name": {command: 1}
  d: {}
`);

    expect(faults.join("\n")).toMatchInlineSnapshot(`
      "p.yaml:2:34: "nonsense" names no run: expected @ALIAS, or a job id or at least four of its digits
      p.yaml:3:24: experiment must be an id like E001
      p.yaml:3:28: unknown key "lanes". Did you mean "lane"?
      p.yaml:3:49: timeout="soon" is not a duration between 1 ms and 24 days. Write it like 90s, 15m, 1.5h or 2h30m
      p.yaml:7:41: unknown key "al". Did you mean "all"?
      p.yaml:8:28: "../prepared" is not the path of an output: it leaves the folder that it is relative to
      p.yaml:8:66: the outputs "b" and "c" have one path "x"
      p.yaml:9:5: unknown key "secrets": a pipeline file is committed, and what it says is recorded, so it holds no secrets. Set them in the environment of the worker, which the program inherits
      p.yaml:12:17: the value 0.1 of "lr" comes twice in the sweep
      p.yaml:12:41: the range seed=2..0 ends before it begins
      p.yaml:13:29: there is no stage "prepar". Did you mean "prepare"?
      p.yaml:13:38: the input "x" needs exactly one of path, stage, pin and alias; it has path and stage
      p.yaml:14:29: "/model" is not the path of an output: it must not be absolute
      p.yaml:15:32: unknown key "memm". Did you mean "mem"?
      p.yaml:15:49: resources: time is "1x"; expected a time like 2:00:00, 1-12 or 90m
      p.yaml:16:23: attempts must be at least 1
      p.yaml:16:31: "losst" is no reason to try again. Did you mean "lost"?
      p.yaml:17:20: "b" is needed twice
      p.yaml:18:16: the command is empty
      p.yaml:18:27: the stages form a cycle: a → b → c → a
      p.yaml:20:42: priority must be a whole number
      p.yaml:21:3: "bad name" cannot be a name here: expected up to 100 letters, digits and . _ -
      p.yaml:21:25: command must be a text, or a list
      p.yaml:22:3: the stage "d" lacks the key command"
    `);
  });

  it.each([
    { stage: 'command: "x {lrr}", sp: {lr: 1}', says: 'nothing defines {lrr}. Did you mean "lr"?' },
    {
      stage: 'command: "x {nn.layer}", sp: {nn: {layers: 1}}',
      says: 'nothing defines {nn.layer}. Did you mean "nn.layers"',
    },
    { stage: 'command: "x {stage}"', says: "nothing defines {stage}" },
    { stage: 'command: "x {inputs.a}"', says: "{inputs.a} names no input of the stage. It has none" },
    { stage: "command: [x, y, '{outputs.o}']", says: "{outputs.o} names no output of the stage" },
    { stage: 'command: "x {inputs.a.list}", inputs: {a: {path: b}}', says: "{inputs.a.list} is no list" },
    { stage: 'command: "x {inputs.a}", inputs: {a: {stage: swept, all: true}}', says: "write {inputs.a.list}" },
    { stage: 'command: "x `{lr}`", sp: {lr: 1}', says: "stands in `…`; write $(…). Move that part into a script" },
    { stage: "command: x, inputs: {a: {}}", says: "it has none" },
    { stage: "command: x, inputs: {a: {path: b, all: true}}", says: "all means nothing for an input with path" },
    { stage: "command: x, inputs: {a: {stage: one, hash: stat}}", says: "hash means nothing for an input with stage" },
    { stage: "command: x, inputs: {a: {stage: one, all: true}}", says: '"one", which is not swept; leave all out' },
    { stage: "command: x, inputs: {a: {stage: one, output: oo}}", says: 'called "oo". Did you mean "o"?' },
    { stage: "command: x, inputs: {a: {stage: two}}", says: '"two", which has the outputs p, q; say which' },
    { stage: "command: x, inputs: {a: {stage: none}}", says: '"none", which has no output' },
    { stage: "command: x, inputs: {a: {pin: bass}}", says: 'there is no pin "bass". Did you mean "base"?' },
    { stage: "command: x, inputs: {a: {path: ~/x}}", says: "~ means another folder for everyone" },
    { stage: "command: x, inputs: {a: {stage: swept}}", says: "has 3; write all: true for a list of them, or sweep" },
    {
      stage: "command: x, sweep: {seed: 0..9}, inputs: {a: {stage: swept}}",
      says: 'the element of "swept" with the same seed, and there is none with seed=3',
    },
    { stage: "command: x, needs: [swep?]", says: 'there is no stage "swep". Did you mean "swept"?' },
    {
      stage: "command: x, min_success: 4, inputs: {a: {stage: swept, all: true}}",
      says: '4, and "swept" has 3 elements',
    },
    { stage: "command: x, min_success: 1", says: "and there is none" },
    { stage: "command: x, min_success: 0", says: "min_success must be at least 1" },
    { stage: "command: x, every_n: 0", says: "said by a policy in aexp.yaml" },
    { stage: "command: x, params: {lr: 1}", says: "the parameters of a stage are called sp" },
    { stage: "command: x, sp: {stage: 1}", says: '"stage" cannot be a parameter: aexp sets it' },
    { stage: "command: x, sp: {inputs: 1}", says: "{inputs} means something else in a command" },
    {
      stage: "command: x, sp: {experiment_id: E001}",
      says: '"experiment_id" cannot be a parameter: write experiment: E001',
    },
    {
      stage: "command: x, sweep: {experiment_id: [E002, E003]}",
      says: "cannot be a parameter: write experiment: E001",
    },
    { stage: "command: x, sp: {a: {b.c: 1}}", says: "signac allows no dots in keys" },
    { stage: "command: x, sp: {lr: .nan}", says: "lr is NaN, which JSON cannot write" },
    { stage: "command: x, sp: {lr: 1}, sweep: {lr: [1, 2]}", says: '"lr" is swept, and has a value in sp as well' },
    { stage: "command: x, sweep: {seed: [0..2, 7]}", says: "write seed: 0..2|…" },
    { stage: "command: x, sweep: {seed: []}", says: '"seed" is swept over no value' },
    { stage: "command: x, sweep: {a: 0..999, b: 0..999}", says: "these are 1000006 runs; at most 100000" },
    { stage: "command: x, env: {AEXP_JOB_ID: x}", says: "is not yours to set" },
    { stage: "command: x, env: {a-b: x}", says: '"a-b" is no name of a variable' },
    { stage: "command: x, env: {A: [1]}", says: "A must be a text, or a number, or true or false" },
    { stage: "command: x, kind: a b", says: '"a b" is no kind of runs' },
    { stage: "command: x, cache: yes", says: 'cache must be "on", "off", "refresh"' },
    { stage: "command: x, code: {paths: ../x}", says: '"../x" is not a path of code' },
    { stage: "command: x, code: {}", says: "code lacks the key paths" },
    { stage: "command: x, resources: {sbatch: --array=1}", says: "which aexp decides itself" },
    { stage: "command: x, outputs: {o: {path: .}}", says: "it names the folder itself" },
    { stage: "command: x, outputs: {o: {path: a, marker: ../M}}", says: '"../M" is not the marker of an output' },
    { stage: "command: x, outputs: {a.b: {path: a}}", says: '"a.b" cannot be a name here' },
    { stage: "command: x, needs: me", says: "the stages form a cycle: me → me" },
  ])("name what is wrong with $stage", async ({ stage, says }) => {
    const faults = await faultsOf(`name: p
pins: {base: "@b"}
stages:
  one: {command: x, outputs: {o: {path: o}}}
  two: {command: x, outputs: {p: {path: p}, q: {path: q}}}
  none: {command: x}
  swept: {command: x, sweep: {seed: 0..2}, outputs: {o: {path: o}}}
  me: {${stage}}
`);

    expect(faults.join("\n")).toContain(says);
    expect(faults.length).toBeLessThanOrEqual(1);
  });

  it("do not follow from each other: what could not be read is not missed elsewhere", async () => {
    const faults = await faultsOf(`name: p
stages:
  a: {command: 7, outputs: {o: {paht: o}}}
  b: {command: "x {inputs.a} {inputs.c}", inputs: {a: {stage: a, output: o}, c: {path: [1]}}}
`);

    expect(faults).toEqual([
      "p.yaml:3:16: command must be a text, or a list",
      'p.yaml:3:29: the output "o" lacks the key path',
      'p.yaml:3:33: unknown key "paht". Did you mean "path"?',
      "p.yaml:4:88: path must be a text",
    ]);
  });

  it("stand where the text is that a merge key or an alias brought in", async () => {
    const faults = await faultsOf(`name: p
stages:
  a: &common
    command: x {nothing}
    needs: [c]
  b:
    <<: *common
    timeout: never
`);

    expect(faults).toEqual([
      expect.stringContaining("p.yaml:4:14: nothing defines {nothing}"),
      'p.yaml:5:13: there is no stage "c". Did you mean "a"?',
      expect.stringContaining('p.yaml:8:14: timeout="never"'),
    ]);
  });

  it.each([
    { text: "", says: "p.yaml:1:1: the pipeline lacks the key name" },
    { text: "- a", says: "p.yaml:1:1: the pipeline is a list; expected keys and values" },
    { text: "name: p", says: "p.yaml:1:1: the pipeline lacks the key stages" },
    { text: "name: p\nstages: {}", says: "p.yaml:2:9: stages must not be empty" },
    { text: "name: p\nstages: [a]", says: "p.yaml:2:9: stages must be a mapping of keys and values" },
    { text: "name: p\nstages: {a: }", says: 'the stage "a" must be a mapping of keys and values' },
    { text: "name: p\nstages:\n  a: {command: x}\n  a: {command: y}", says: 'p.yaml:4:3: the key "a" is there twice' },
    { text: "name: p\nstages: {a: {command: x}", says: "p.yaml:2:25: the mapping that begins here has no closing }" },
    { text: "version: 2\nname: p\nstages: {a: {command: x}}", says: "p.yaml:1:10: version must be 1" },
  ])("are found in $text", async ({ text, says }) => {
    expect((await faultsOf(text)).join("\n")).toContain(says);
  });

  it("make one error, and of very many only the first ones are listed", async () => {
    const stages = Array.from({ length: 30 }, (_, index) => `  s${index}: {command: x, needs: y}`).join("\n");
    const reading = await readPipeline(`name: p\nstages:\n${stages}\n`, "dir/p.yaml");
    const error = toPipelineError(reading.kind === "faults" ? reading.faults : []);

    expect(error).toMatchObject({ code: "pipeline.invalid" });
    expect(error.message.split("\n")).toHaveLength(22);
    expect(error.message).toMatch(/^dir\/p\.yaml:3:27: there is no stage "y"/);
    expect(error.message).toMatch(/and 10 more\nNothing was queued$/);
  });
});
