// Generated from schemas/ by `npm run generate`. Do not edit.
export type Digest = string

/**
 * What makes a queued run a stage of a pipeline: everything that was decided when the pipeline was submitted. It stands in the spec of the run's task.
 */
export interface StageRecord {
pipeline: string
stage: string
/**
 * `lr=0.1,seed=0`; absent where nothing is swept.
 */
element?: string
/**
 * As written, before any placeholder is filled in.
 * 
 * @minItems 1
 */
command: (string | [string, ...(string)[]])
/**
 * An object as JSON text, so that its numbers keep their kind.
 */
parameters: string
env: {
[k: string]: string | undefined
}
inputs: (PathInput | RunInput | ListInput)[]
outputs: {
name: string
path: string
kind: string
marker?: string
stream: boolean
hash: ("content" | "stat")
}[]
code: (StageCode | UnkeyedStageCode)
container?: string
salt?: string
cache: ("on" | "off" | "refresh")
triggered_by?: StageTrigger
}
export interface PathInput {
kind: "path"
name: string
path: string
hash: ("content" | "stat")
}
export interface RunInput {
kind: "run"
name: string
run: string
output: string
/**
 * The only item of a stream that is read.
 */
item?: string
/**
 * What it must be; anything, when absent.
 */
digest?: string
}
export interface ListInput {
kind: "list"
name: string
output: string
min_success?: number
elements: {
run: string
/**
 * An object as JSON text.
 */
bindings: string
}[]
}
export interface StageCode {
tree: string
paths?: string[]
commit?: string
dirty: boolean
}
export interface UnkeyedStageCode {
unkeyed: string
}
/**
 * The output for which a policy submitted the run.
 */
export interface StageTrigger {
policy: string
run: string
output: string
item?: string
digest: Digest
/**
 * The policies that led to the run, one after the other; its own is the last.
 */
chain: string[]
}
