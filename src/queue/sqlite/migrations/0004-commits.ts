/** Which commit a run wants, what other machines need to execute it, and what workers have to offer. */
export const COMMITS_SQL = `
ALTER TABLE tasks ADD COLUMN commit_oid TEXT;
ALTER TABLE tasks ADD COLUMN portable TEXT CHECK (portable IS NULL OR json_valid(portable));
ALTER TABLE workers ADD COLUMN commit_oid TEXT;
ALTER TABLE workers ADD COLUMN can_checkout INTEGER NOT NULL DEFAULT 0 CHECK (can_checkout IN (0, 1));
CREATE INDEX tasks_commits ON tasks (machine, commit_oid) WHERE state = 'queued' AND commit_oid IS NOT NULL;
`;
