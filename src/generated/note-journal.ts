// Generated from schemas/ by `npm run generate`. Do not edit.
/**
 * A change of several notes that is under way, in .aexp/note-journal.json; it is gone once all are written.
 */
export interface NoteJournal {
schema_version: 1
changes: {
path: string
before: (string | null)
text: (string | null)
}[]
}
