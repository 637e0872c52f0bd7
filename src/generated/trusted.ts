// Generated from schemas/ by `npm run generate`. Do not edit.
/**
 * What `aexp trust` remembers on this machine, in .aexp/trusted.json.
 */
export interface TrustedHooks {
schema_version: 1
/**
 * Of the hooks and policies, and of the files that they name.
 */
fingerprint: string
/**
 * Proves that this user wrote it here; a file that came by git has none.
 */
seal: string
trusted_at: string
}
