import { describe, expect, it } from "vitest";

import {
  type ComputeRequest,
  mergeComputeRequests,
  parseComputeRequest,
  toSbatchOptions,
} from "../../../src/queue/compute-request.ts";

describe("parseComputeRequest", () => {
  it("reads every key, numbers and texts alike", () => {
    const request = parseComputeRequest(
      {
        cpus: "4",
        mem: 8000,
        gpus: "a100:2",
        time: "1-12:00:00",
        nodes: "2-4",
        partition: "gpu,long",
        qos: "high",
        account: "lab.x",
        exclude: "n1,n[4-6]",
        sbatch: "--constraint=avx2",
      },
      "here",
    );

    expect(toSbatchOptions(request)).toEqual([
      "--cpus-per-task=4",
      "--mem=8000",
      "--gpus=a100:2",
      "--time=1-12:00:00",
      "--nodes=2-4",
      "--partition=gpu,long",
      "--qos=high",
      "--account=lab.x",
      "--exclude=n1,n[4-6]",
      "--constraint=avx2",
    ]);
  });

  it.each([
    ["90m", "90"],
    ["2h30m", "150"],
    ["1d", "1440"],
    ["10s", "1"],
    ["90", "90"],
    ["2:00:00", "2:00:00"],
  ])("takes the time %s for %s", (written, time) => {
    expect(parseComputeRequest({ time: written }, "here")).toEqual({ time });
  });

  it("takes nothing for nothing", () => {
    for (const value of [undefined, null, {}, { mem: null, sbatch: undefined }]) {
      expect(parseComputeRequest(value, "here")).toEqual({});
    }
  });

  it.each([
    [[], "[] is no mapping"],
    ["4G", '"4G" is no mapping'],
    [{ memory: "4G" }, 'unknown key "memory"'],
    [{ men: "4G" }, 'Did you mean "mem"?'],
    [{ cpus: 0 }, "cpus is 0; expected a whole number from 1"],
    [{ cpus: 1.5 }, "cpus is 1.5"],
    [{ mem: "much" }, 'mem is "much"; expected a size like 4G'],
    [{ time: "soon" }, 'time is "soon"'],
    [{ partition: "a b" }, 'partition is "a b"'],
    [{ partition: "--wrap=x" }, undefined],
    [{ exclude: "n1;rm" }, 'exclude is "n1;rm"'],
    [{ sbatch: ["constraint"] }, 'sbatch has "constraint"'],
    [{ sbatch: ["--comment=a\nb"] }, "sbatch has"],
    [{ sbatch: ["--job-name=x"] }, "which aexp decides itself"],
    [{ sbatch: ["--array=0-3"] }, "which aexp decides itself"],
    [{ sbatch: ["-o/tmp/x"] }, "which aexp decides itself"],
    [{ sbatch: ["--requeue"] }, "which aexp decides itself"],
  ])("refuses %j", (value, words) => {
    const parse = (): ComputeRequest => parseComputeRequest(value, "here");

    expect(parse).toThrow(expect.objectContaining({ code: "compute.invalid" }));
    expect(parse).toThrow(words ?? "partition is");
  });

  it("lists the keys where one is unknown, and not where a value is wrong", () => {
    const keys = "Known keys: cpus, mem, gpus, time, nodes, partition, qos, account, exclude, sbatch.";

    expect(() => parseComputeRequest({ memory: "4G" }, "here")).toThrow(expect.objectContaining({ hint: keys }));
    expect(() => parseComputeRequest({ mem: "much" }, "here")).toThrow(expect.objectContaining({ hint: undefined }));
  });
});

describe("mergeComputeRequests", () => {
  it("lets the later one win, and keeps all options in order", () => {
    const merged = mergeComputeRequests([
      { mem: "1G", cpus: 1, sbatch: ["--constraint=a"] },
      { mem: "2G" },
      { cpus: 8, sbatch: ["--constraint=b"] },
    ]);

    expect(merged).toEqual({ mem: "2G", cpus: 8, sbatch: ["--constraint=a", "--constraint=b"] });
    expect(mergeComputeRequests([])).toEqual({});
  });
});
