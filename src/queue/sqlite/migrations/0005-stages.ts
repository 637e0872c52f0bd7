/**
 * Stages of pipelines, what runs wrote, and names for it.
 *
 * A stage is `resolvable` while it waits for nothing but a worker that looks for its result. Of all that want the same
 * (`cache_key`) on one machine one is the leader; `follows` names the leader that a stage waits for. An output lies in
 * the folder of its `holder`, which is another run when `run_id` was not executed itself.
 */
export const STAGES_SQL = `
ALTER TABLE tasks ADD COLUMN resolvable INTEGER NOT NULL DEFAULT 0 CHECK (resolvable IN (0, 1));
ALTER TABLE tasks ADD COLUMN cache_key TEXT;
ALTER TABLE tasks ADD COLUMN is_leader INTEGER NOT NULL DEFAULT 0 CHECK (is_leader IN (0, 1));
ALTER TABLE tasks ADD COLUMN follows TEXT REFERENCES tasks (id)
  CONSTRAINT tasks_follows_when CHECK (follows IS NULL OR (state = 'blocked' AND resolvable = 0 AND follows <> id));
ALTER TABLE tasks ADD COLUMN cached_from TEXT
  CONSTRAINT tasks_cached CHECK (cached_from IS NULL OR state = 'cached');
ALTER TABLE tasks ADD COLUMN resolved_inputs TEXT CHECK (json_valid(resolved_inputs));
CREATE INDEX tasks_resolvable ON tasks (machine, seq) WHERE resolvable = 1;
CREATE UNIQUE INDEX tasks_leader ON tasks (cache_key, machine) WHERE is_leader = 1 AND ended_at IS NULL;
CREATE INDEX tasks_follows ON tasks (follows) WHERE follows IS NOT NULL;
CREATE INDEX tasks_hits ON tasks (cache_key, machine, ended_at, seq) WHERE cache_key IS NOT NULL AND state = 'complete';
CREATE INDEX tasks_cached_from ON tasks (cached_from) WHERE cached_from IS NOT NULL;
CREATE INDEX tasks_skipped_with ON tasks (because) WHERE cache_key IS NOT NULL AND state = 'skipped';

CREATE TABLE run_outputs (
  run_id      TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  name        TEXT NOT NULL,
  item        TEXT NOT NULL,
  kind        TEXT NOT NULL,
  digest      TEXT NOT NULL,
  bytes       INTEGER NOT NULL CHECK (bytes >= 0),
  files       INTEGER NOT NULL CHECK (files >= 0),
  path        TEXT NOT NULL,
  holder      TEXT NOT NULL,
  stats       TEXT NOT NULL,
  state       TEXT NOT NULL DEFAULT 'present' CHECK (state IN ('present', 'missing', 'changed')),
  machine     TEXT NOT NULL,
  checked_at  INTEGER NOT NULL,
  PRIMARY KEY (run_id, name, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_outputs_digest ON run_outputs (digest);
CREATE INDEX run_outputs_place ON run_outputs (holder, path);

CREATE TRIGGER tasks_new_life AFTER UPDATE OF life ON tasks WHEN NEW.life <> OLD.life
BEGIN DELETE FROM run_outputs WHERE run_id = NEW.id; END;

CREATE TABLE aliases (
  name     TEXT NOT NULL CHECK (length(name) > 0),
  version  INTEGER NOT NULL CHECK (version >= 1),
  run_id   TEXT NOT NULL,
  output   TEXT,
  digest   TEXT,
  caller   TEXT NOT NULL,
  set_at   INTEGER NOT NULL,
  PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;
CREATE VIEW current_aliases AS
  SELECT * FROM aliases a WHERE version = (SELECT max(version) FROM aliases b WHERE b.name = a.name);
`;
