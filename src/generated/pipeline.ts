// Generated from schemas/ by `npm run generate`. Do not edit.
export type Text = string
export type Experiment = string
export type Hypothesis = string
export type Priority = number
/**
 * Keys of resource locks, and what a batch scheduler is to reserve.
 */
export type PipelineResources = (string | Text[] | {
keys?: Texts
cpus?: (number | string)
/**
 * 4G, 8GB, or a number of megabytes.
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
})
/**
 * One text, or a list of texts.
 */
export type Texts = (string | Text[])
export type Duration = (string | number)
export type Cache = ("on" | "off" | "refresh")
/**
 * Another salt is another identity: nothing of before is a hit.
 */
export type Salt = (string | number)
/**
 * One text, or a list of texts.
 */
export type Texts1 = (string | Text[])
/**
 * A line for sh, or program and arguments that need no shell.
 * 
 * @minItems 1
 */
export type Command = (string | [string, ...(string)[]])
export type Hash = ("content" | "stat")
/**
 * One text, or a list of texts.
 */
export type Texts2 = (string | Text[])
/**
 * Values by key, as a list or as in `--sweep` (0..2, a|b); or whole texts as in `--sweep`.
 */
export type PipelineSweep = (string | Text[] | {
[k: string]: unknown | undefined
})

/**
 * Stages that depend on each other's outputs, as `aexp pipeline run FILE` reads them from YAML.
 */
export interface PipelineFile {
version?: 1
/**
 * What the pipeline is called in listings.
 */
name: string
/**
 * Complete runs of before, by a name of this file: @ALIAS or a job id. Resolved once, when the pipeline is submitted.
 */
pins?: {
[k: string]: Text | undefined
}
defaults?: PipelineDefaults
stages: {
[k: string]: PipelineStage | undefined
}
}
/**
 * Holds for every stage that does not say otherwise; `sp` and `env` are merged below those of the stage.
 */
export interface PipelineDefaults {
experiment?: Experiment
hypothesis?: Hypothesis
sub_hypothesis?: Hypothesis
sp?: PipelineParameters
env?: PipelineEnv
lane?: Text
priority?: Priority
kind?: Text
resources?: PipelineResources
retry?: PipelineRetry
timeout?: Duration
tag?: Text
cache?: Cache
cache_salt?: Salt
code?: PipelineCode
container?: Text
}
export interface PipelineParameters {
[k: string]: unknown | undefined
}
/**
 * Variables for the program. They are recorded and committed, so no secrets.
 */
export interface PipelineEnv {
[k: string]: string | number | boolean | undefined
}
export interface PipelineRetry {
/**
 * All attempts together.
 */
attempts?: number
on?: Texts
}
export interface PipelineCode {
paths: Texts1
}
/**
 * A run, or one run for each combination of its sweep.
 */
export interface PipelineStage {
command: Command
inputs?: {
[k: string]: PipelineInput | undefined
}
outputs?: {
[k: string]: PipelineOutput | undefined
}
needs?: Texts2
/**
 * So many elements behind every `all` input are enough; without it, all of them must succeed.
 */
min_success?: number
sweep?: PipelineSweep
experiment?: Experiment
hypothesis?: Hypothesis
sub_hypothesis?: Hypothesis
sp?: PipelineParameters
env?: PipelineEnv
lane?: Text
priority?: Priority
kind?: Text
resources?: PipelineResources
retry?: PipelineRetry
timeout?: Duration
tag?: Text
cache?: Cache
cache_salt?: Salt
code?: PipelineCode
container?: Text
}
/**
 * Exactly one of path, stage, pin and alias.
 */
export interface PipelineInput {
/**
 * A file or folder, from the root of the repository.
 */
path?: string
hash?: Hash
stage?: Text
pin?: Text
alias?: Text
/**
 * Which output; may be left out where there is only one.
 */
output?: string
/**
 * A list of the outputs of all elements of a swept stage.
 */
all?: boolean
}
export interface PipelineOutput {
/**
 * A file or folder, from the output folder of the run's attempt.
 */
path: string
kind?: Text
/**
 * A file in the output that says that it is whole.
 */
marker?: string
/**
 * A folder that gets items, such as checkpoints.
 */
stream?: boolean
hash?: Hash
}
