// Generated from schemas/ by `npm run generate`. Do not edit.
/**
 * The deprecated list of a machine's finished runs, in .aexp/runs-index/<machine_label>.json.
 */
export interface RunsIndex {
schema_version: 1
machine_label: string
exported_at?: string
entries: RunsIndexEntry[]
}
export interface RunsIndexEntry {
job_id: string
status: string
experiment_id?: (string | null)
condition?: (string | null)
registered_at?: (string | null)
}
