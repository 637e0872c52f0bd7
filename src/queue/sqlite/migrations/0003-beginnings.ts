/** A task is stored as it begins to wait, in one go. */
export const BEGINNINGS_SQL = `
DROP TRIGGER tasks_begin;
CREATE TRIGGER tasks_begin BEFORE INSERT ON tasks WHEN NEW.state NOT IN ('blocked', 'queued', 'skipped')
BEGIN SELECT RAISE(ABORT, 'no task begins so'); END;
`;
