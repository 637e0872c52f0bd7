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
}
/**
 * @minItems 1
 */
runs: [PlanEntry, ...(PlanEntry)[]]
}
export interface PlanParameters {
[k: string]: unknown | undefined
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
}
