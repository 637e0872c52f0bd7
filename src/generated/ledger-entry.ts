// Generated from schemas/ by `npm run generate`. Do not edit.
export type JobId = string
export type TerminalStatus = ("complete" | "failed" | "stopped" | "abandoned")
export type Instant = string

/**
 * The committed projection of one finished run, in .aexp/ledger/<job_id>.json.
 */
export interface LedgerEntry {
schema_version: 1
job_id: JobId
/**
 * The state point with the text of its numbers kept.
 */
statepoint: {

}
run_link?: LedgerRunLink
status: TerminalStatus
reason?: LedgerReason
started_at?: Instant
ended_at?: Instant
wallclock_s?: number
exit_code?: number
tracker?: LedgerTracker
code_commit?: string
code_dirty?: boolean
summary_metrics?: LedgerMetrics
attempt_count?: number
outputs?: LedgerOutput[]
local_path_allowed?: true
registered_machine: string
promoted_at: Instant
/**
 * Outcomes of the same run on other machines, kept by the merge.
 */
other_attempts?: OtherAttempt[]
[k: string]: unknown | undefined
}
export interface LedgerRunLink {
experiment_id: string
experiment_path?: string
hypothesis_id?: (string | null)
sub_hypothesis_id?: (string | null)
}
export interface LedgerReason {
code: ("exit_nonzero" | "signal" | "timeout" | "oom" | "spawn_error" | "operator_stop" | "removed" | "needs_failed" | "lost" | "scheduler_unknown" | "disk_full" | "cache_hit" | "interrupted" | "input_missing" | "input_changed" | "output_missing" | "output_invalid")
because?: JobId
}
export interface LedgerTracker {
backend?: string
run_id?: string
url?: string
project?: string
group?: string
}
export interface LedgerMetrics {
[k: string]: number | boolean | string | undefined
}
export interface LedgerOutput {
name: string
digest: string
bytes: number
}
export interface OtherAttempt {
registered_machine: string
status: TerminalStatus
ended_at?: Instant
reason?: LedgerReason
}
