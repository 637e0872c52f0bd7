// Generated from schemas/ by `npm run generate`. Do not edit.
export type LaneSection = ({
max_running?: number
max_per_caller?: number
on_lost?: ("fail" | "requeue")
/**
 * How long ended runs stay in the queue, or `forever`.
 */
retain?: (string | number)
keep_last?: number
/**
 * Waiting for so long adds one to a run's priority.
 */
age?: (string | number)
/**
 * What executes its runs.
 */
executor?: ("local" | "slurm")
} | null)
export type Commands = (string | [string, ...(string)[]])[]
/**
 * What SLURM reserves for a run that does not say otherwise.
 */
export type ComputeSection = ({
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
} | null)

/**
 * aexp.yaml at the root of the repository. Every key has a default.
 */
export interface ProjectConfig {
/**
 * Regular expressions; a run whose state point or document matches one is refused by the ledger.
 */
redact?: string[]
/**
 * Lanes by name. A value that changes here replaces the one that `aexp lane set` gave.
 */
lanes?: ({
[k: string]: LaneSection | undefined
} | null)
/**
 * The slots of a worker for each kind of work, and for all other kinds under `*`.
 */
pools?: {
[k: string]: number | undefined
}
/**
 * Commands that are told of events. They run only after `aexp trust` on each machine.
 */
hooks?: ({
"run.queued"?: Commands
"run.blocked"?: Commands
"run.claimed"?: Commands
"run.started"?: Commands
"run.released"?: Commands
"run.retrying"?: Commands
"run.ended"?: Commands
"attempt.ended"?: Commands
"lease.lost"?: Commands
"lock.broken"?: Commands
"stop.requested"?: Commands
"group.ended"?: Commands
"lane.changed"?: Commands
} | null)
/**
 * Runs that are submitted for new outputs, by name; docs/pipelines.md says what each may have. They run only after `aexp trust` on each machine.
 */
policies?: ({
[k: string]: unknown | undefined
} | null)
/**
 * What those who execute runs elsewhere need to know.
 */
executors?: ({
slurm?: ComputeSection
} | null)
/**
 * How workers go about their work.
 */
queue?: ({
/**
 * A worker starts nothing while the disk has less free space, such as 2GiB.
 */
min_free?: (string | number)
} | null)
/**
 * Where the queue is kept; without it, in a file of each machine.
 */
store?: ({
/**
 * The variable that holds the URL of a PostgreSQL database, such as LAB_DATABASE_URL. Never the URL itself.
 */
database_url_env?: string
/**
 * The schema of this repository; without it, one that follows from the first commit.
 */
schema?: string
} | null)
}
