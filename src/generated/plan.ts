// Generated from schemas/ by `npm run generate`. Do not edit.
export type Experiment = string
export type Hypothesis = string
/**
 * A line for sh, or program and arguments that need no shell.
 * 
 * @minItems 1
 */
export type Command = (string | [string, ...(string)[]])
export type Text = string
export type Priority = number
/**
 * One text, or a list of texts.
 */
export type Texts = (string | Text[])
export type Retries = number
export type Duration = (string | number)

/**
 * Runs to be queued, as `aexp queue add --plan FILE` reads them from YAML.
 */
export interface SubmissionPlan {
version: 1
/**
 * What the group is called.
 */
name?: string
/**
 * Holds for every entry that does not say otherwise; its parameters are merged below those of the entry.
 */
defaults?: {
experiment?: Experiment
hypothesis?: Hypothesis
sub_hypothesis?: Hypothesis
sp?: PlanParameters
command?: Command
lane?: Text
priority?: Priority
kind?: Text
resources?: Texts
retries?: Retries
timeout?: Duration
tag?: Text
slurm?: PlanCompute
}
/**
 * @minItems 1
 */
runs: [PlanEntry, ...(PlanEntry)[]]
}
export interface PlanParameters {
[k: string]: unknown | undefined
}
export interface PlanCompute {
cpus?: (number | string)
/**
 * 4G, or a number of megabytes.
 */
mem?: (string | number)
/**
 * 2, or a100:2.
 */
gpus?: (number | string)
/**
 * 2:00:00, 1-12, 90m, or a number of minutes.
 */
time?: (string | number)
/**
 * 2, or 2-4.
 */
nodes?: (number | string)
partition?: string
qos?: string
account?: string
/**
 * Nodes that are not used: n1,n[4-6].
 */
exclude?: string
/**
 * Further options of sbatch, each as one word: --constraint=avx2.
 */
sbatch?: (string | string[])
}
/**
 * A run, or all runs of a sweep.
 */
export interface PlanEntry {
/**
 * What other entries call it in `needs`.
 */
name?: string
experiment?: Experiment
hypothesis?: Hypothesis
sub_hypothesis?: Hypothesis
sp?: PlanParameters
sweep?: Texts
command?: Command
needs?: Texts
lane?: Text
priority?: Priority
kind?: Text
resources?: Texts
retries?: Retries
timeout?: Duration
tag?: Text
slurm?: PlanCompute
}
