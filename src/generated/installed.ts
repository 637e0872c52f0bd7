// Generated from schemas/ by `npm run generate`. Do not edit.
/**
 * What `aexp install` remembers on this machine, in .aexp/installed.json. Other keys are kept.
 */
export interface InstalledMarker {
schema_version?: number
version?: string
installed_at?: string
run_store_path?: string
scaffold_sha?: (string | null)
machine_label?: string
}
