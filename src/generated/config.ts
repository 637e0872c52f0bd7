// Generated from schemas/ by `npm run generate`. Do not edit.
/**
 * aexp.yaml at the root of the repository. Every key has a default.
 */
export interface ProjectConfig {
/**
 * Regular expressions; a run whose state point or document matches one is refused by the ledger.
 */
redact?: string[]
}
