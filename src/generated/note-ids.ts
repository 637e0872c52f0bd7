// Generated from schemas/ by `npm run generate`. Do not edit.
/**
 * The highest number that notes of each kind had on this machine, in .aexp/note-ids.json, so that no id is given twice.
 */
export interface NoteIds {
schema_version: 1
highest: {
[k: string]: number | undefined
}
}
