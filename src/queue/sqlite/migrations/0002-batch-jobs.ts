/** Which lanes a scheduler serves, and which of its jobs executes an attempt. */
export const BATCH_JOBS_SQL = `
ALTER TABLE lanes ADD COLUMN executor TEXT NOT NULL DEFAULT 'local' CHECK (executor IN ('local', 'slurm'));
ALTER TABLE attempts ADD COLUMN scheduler_job_id TEXT;
ALTER TABLE attempts ADD COLUMN missing_since INTEGER;
CREATE INDEX tasks_batch ON tasks (owner, seq) WHERE executor = 'slurm' AND state IN ('submitted', 'running', 'finalizing');
`;
