// Generated from schemas/ by `npm run generate`. Do not edit.
export type ReasonCode = ("exit_nonzero" | "signal" | "timeout" | "oom" | "spawn_error" | "operator_stop" | "removed" | "needs_failed" | "lost" | "scheduler_unknown" | "disk_full" | "cache_hit" | "interrupted" | "input_missing" | "input_changed" | "output_missing" | "output_invalid")
export type JobId = string
export type Instant = string

/**
 * The mutable facts of a run, in signac_job_document.json. Keys that are not listed here belong to others and are kept.
 */
export interface RunDocumentShape {
aexp?: RunLink
limina?: RunLink
status?: ("created" | "queued" | "running" | "complete" | "failed" | "stopped" | "abandoned")
reason?: {
code: ReasonCode
message?: string
because?: JobId
}
created_at?: Instant
started_at?: Instant
heartbeat_at?: Instant
ended_at?: Instant
wallclock_s?: number
exit_code?: (number | null)
signal?: (string | null)
attempt?: number
attempts?: AttemptRecord[]
summary_metrics?: SummaryMetrics
tracker?: TrackerPointer
/**
 * By name what the run of a stage wrote.
 */
outputs?: {
[k: string]: {
digest: string
bytes: number
files?: number
kind?: string
/**
 * Relative to the folder of the run that wrote it.
 */
path: string
} | undefined
}
/**
 * Of a run of a pipeline: how its result came about.
 */
stage?: {
cache_key?: string
/**
 * Why it has no cache key: nobody can take its result.
 */
uncached?: string
cached_from?: JobId
/**
 * Digest of each input; of a list, one for each element.
 */
inputs?: {
[k: string]: string | string[] | undefined
}
}
queue?: {
queued_at?: Instant
tag?: string
lane?: string
priority?: number
group?: string
runner_command_override?: string
runner_hint?: string
code_diff_summary?: (string | {

})
/**
 * Everything that was decided when the run was queued, as the queue's database holds it: enough to queue it again.
 */
spec?: {

}
/**
 * Who queued the run, where, and in which group.
 */
origin?: {
group_kind: ("sweep" | "batch" | "pipeline")
group_name: string
caller: string
owner: string
machine: string
target?: string
executor: ("local" | "slurm")
/**
 * Its place among the runs that were queued together.
 */
position?: number
}
proc?: ProcessRecord
last_error?: {
returncode?: (number | null)
stderr_tail?: string
failed_at?: Instant
cause?: string
}
}
/**
 * Set when the run was registered or promoted with --allow-local-path.
 */
local_path_allowed?: boolean
}
export interface RunLink {
experiment_id: string
experiment_path?: (string | null)
hypothesis_id?: (string | null)
sub_hypothesis_id?: (string | null)
}
export interface AttemptRecord {
n: number
status: ("complete" | "failed" | "stopped" | "abandoned")
reason?: {
code: ReasonCode
message?: string
}
started_at?: Instant
ended_at?: Instant
wallclock_s?: number
exit_code?: (number | null)
signal?: (string | null)
host?: string
}
/**
 * Last values by metric name. A value that is no number, boolean or short string is kept in the document but not committed.
 */
export interface SummaryMetrics {
[k: string]: number | boolean | string | undefined
}
export interface TrackerPointer {
backend?: (string | null)
run_id?: (string | null)
url?: (string | null)
project?: (string | null)
group?: (string | null)
}
/**
 * The living process of an attempt.
 */
export interface ProcessRecord {
pid: number
pgid: number
host: string
boot_id?: string
start_fingerprint?: string
started_at?: Instant
}
