import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { loadConfig } from "../../../src/config/fs/load-config.ts";
import { EVENT_KINDS } from "../../../src/queue/event-kinds.ts";
import CONFIG_SCHEMA from "../../../schemas/config.schema.json" with { type: "json" };
import { tempDir } from "../../helpers/temp-dir.ts";

function configure(text: string | Buffer): string {
  const root = tempDir();
  writeFileSync(join(root, "aexp.yaml"), text);
  return root;
}

describe("aexp.yaml", () => {
  it("has a default for every key", async () => {
    const defaults = {
      redact: [],
      lanes: {},
      pools: undefined,
      hooks: [],
      policies: { sections: [], text: "" },
      minFreeBytes: 2 ** 30,
      store: { databaseUrlEnv: undefined, schema: undefined },
      slurm: {},
    };
    expect(await loadConfig(tempDir())).toEqual(defaults);
    expect(await loadConfig(configure(""))).toEqual(defaults);
    expect(await loadConfig(configure("lanes:\nhooks:\nqueue:\nstore:\n"))).toEqual(defaults);
    expect(await loadConfig(configure("redact: ['^patient-\\d+$']\r\n"))).toEqual({
      ...defaults,
      redact: [/^patient-\d+$/u],
    });
  });

  it("reads lanes, pools, hooks and what workers keep to", async () => {
    const text = `
lanes:
  gpu: { max_running: 2, max_per_caller: 1, on_lost: requeue, retain: 30d, keep_last: 5, age: 600 }
  cpu: { retain: forever, executor: slurm }
  any:
pools: { train: 2, "*": 1 }
hooks:
  run.ended: [notify.sh, [python3, hooks/post.py]]
  group.ended: ["echo done"]
policies:
  evaluate: { on: { kind: model }, command: eval }
queue: { min_free: 500MB }
store: { database_url_env: LAB_DATABASE_URL, schema: aexp_protein }
executors:
  slurm: { mem: 4G, cpus: 2, time: 90m, sbatch: [--constraint=avx2] }
`;
    expect(await loadConfig(configure(text))).toEqual({
      redact: [],
      lanes: {
        gpu: {
          maxRunning: 2,
          maxPerCaller: 1,
          onLost: "requeue",
          retainMs: 30 * 86_400_000,
          keepLast: 5,
          ageMs: 600_000,
        },
        cpu: { executor: "slurm" },
        any: {},
      },
      pools: "train=2,*=1",
      hooks: [
        { event: "run.ended", command: "notify.sh" },
        { event: "run.ended", command: ["python3", "hooks/post.py"] },
        { event: "group.ended", command: "echo done" },
      ],
      policies: { sections: [{ name: "evaluate", section: { on: { kind: "model" }, command: "eval" } }], text },
      minFreeBytes: 500_000_000,
      store: { databaseUrlEnv: "LAB_DATABASE_URL", schema: "aexp_protein" },
      slurm: { mem: "4G", cpus: 2, time: "90", sbatch: ["--constraint=avx2"] },
    });
  });

  it("knows the events of the queue, and no others", () => {
    const { properties } = CONFIG_SCHEMA.properties.hooks;
    expect(Object.keys(properties)).toEqual([...EVENT_KINDS]);
  });

  it.each([
    ["redct: []", 'unknown key "redct". Did you mean "redact"?'],
    ["executors: { slrum: {} }", 'executors: unknown key "slrum". Did you mean "slurm"?'],
    ["executors: { slurm: { memory: 4G } }", 'executors.slurm: unknown key "memory"'],
    ["executors: { slurm: { mem: lots } }", 'executors: slurm: mem is "lots"; expected a size like 4G'],
    ["- a", "the file must hold keys and values"],
    ["redact: x", "redact: must be array"],
    ["redact: ['(']", "redact.0: Invalid regular expression"],
    ["lane: {}", 'unknown key "lane". Did you mean "lanes"?'],
    ["lanes: { gpu: { max_runing: 1 } }", 'lanes.gpu: unknown key "max_runing". Did you mean "max_running"?'],
    ["hooks: { run.end: [x] }", 'hooks: unknown key "run.end". Did you mean "run.ended"?'],
    ["queue: { minfree: 1 }", 'queue: unknown key "minfree". Did you mean "min_free"?'],
    ["store: { database_url: x }", 'store: unknown key "database_url". Did you mean "database_url_env"?'],
    ["store: { database_url_env: 'postgres://ana:secret@db/lab' }", "store.database_url_env: must match pattern"],
    ["store: { schema: Lab }", "store.schema: must match pattern"],
    ["queue: { min_free: lots }", 'queue.min_free: "lots" is not a number of bytes'],
    ["lanes: { gpu: { max_running: -1 } }", "lanes.gpu.max_running: must be >= 0"],
    ["lanes: { gpu: { retain: soon } }", 'lanes.gpu: retain="soon" is not a duration'],
    ["lanes: { 'a b': {} }", 'lanes: the name "a b" must match pattern'],
    ["lanes: [gpu]", "lanes: must be object"],
    ["pools: { train: 0 }", "pools.train: must be >= 1"],
    ["hooks: { run.ended: notify.sh }", "hooks.run.ended: must be array"],
    ["hooks: { run.ended: [[]] }", "hooks.run.ended.0: must NOT have fewer than 1 items"],
    ["a: [", "is not YAML"],
    ["redact: []\nredact: []", "is not YAML"],
    [Buffer.from([0xff, 0xfe]), "is not UTF-8"],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${"*a,".repeat(9)}]\nc: &c [${"*b,".repeat(9)}]\nd: [${"*c,".repeat(9)}]`,
      "is not YAML",
    ],
  ])("refuses %j", async (text, message) => {
    const failure = loadConfig(configure(text));
    await expect(failure).rejects.toMatchObject({ code: "config.invalid" });
    await expect(failure).rejects.toThrow(message);
  });
});
