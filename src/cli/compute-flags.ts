import * as Flags from "@oclif/core/flags";

import { type ComputeRequest, parseComputeRequest } from "../queue/compute-request.ts";

/** What SLURM is to reserve for each run. Only lanes that SLURM serves take them. */
export const COMPUTE_FLAGS = {
  cpus: Flags.integer({ summary: "CPUs of each run.", helpValue: "N", min: 1, helpGroup: "SLURM" }),
  mem: Flags.string({ summary: "Memory of each run.", helpValue: "4G", helpGroup: "SLURM" }),
  gpus: Flags.string({ summary: "GPUs of each run.", helpValue: "[KIND:]N", helpGroup: "SLURM" }),
  time: Flags.string({
    summary: "Time limit of each job, in SLURM's form or like 90m.",
    helpValue: "TIME",
    helpGroup: "SLURM",
  }),
  nodes: Flags.string({ summary: "Nodes of each run.", helpValue: "N[-M]", helpGroup: "SLURM" }),
  partition: Flags.string({ summary: "Partition.", helpValue: "NAME", helpGroup: "SLURM" }),
  qos: Flags.string({ summary: "Quality of service.", helpValue: "NAME", helpGroup: "SLURM" }),
  account: Flags.string({ summary: "Account that is charged.", helpValue: "NAME", helpGroup: "SLURM" }),
  exclude: Flags.string({ summary: "Nodes that are not used.", helpValue: "n1,n[4-6]", helpGroup: "SLURM" }),
  sbatch: Flags.string({
    summary: "Another option of sbatch as one word: --sbatch=--constraint=avx2; repeat for more.",
    helpValue: "OPTION",
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: "SLURM",
  }),
};

/** What {@link COMPUTE_FLAGS} were given. */
export interface ComputeFlags {
  readonly cpus?: number | undefined;
  readonly mem?: string | undefined;
  readonly gpus?: string | undefined;
  readonly time?: string | undefined;
  readonly nodes?: string | undefined;
  readonly partition?: string | undefined;
  readonly qos?: string | undefined;
  readonly account?: string | undefined;
  readonly exclude?: string | undefined;
  readonly sbatch?: readonly string[] | undefined;
}

/** The request that the flags make. @throws {AexpError} `compute.invalid` */
export function toComputeRequest(flags: ComputeFlags): ComputeRequest {
  const { cpus, mem, gpus, time, nodes, partition, qos, account, exclude, sbatch } = flags;
  return parseComputeRequest(
    { cpus, mem, gpus, time, nodes, partition, qos, account, exclude, sbatch },
    "the flags for SLURM",
  );
}
