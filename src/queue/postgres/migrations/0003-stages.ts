/**
 * Stages of pipelines, what runs wrote, and names for it.
 *
 * A stage is `resolvable` while it waits for nothing but a worker that looks for its result. Of all that want the same
 * (`cache_key`) on one machine one is the leader; `follows` names the leader that a stage waits for. An output lies in
 * the folder of its `holder`, which is another run when `run_id` was not executed itself.
 */
export const STAGES_SQL = `
ALTER TABLE tasks
  ADD COLUMN resolvable integer NOT NULL DEFAULT 0 CHECK (resolvable IN (0, 1)),
  ADD COLUMN cache_key text COLLATE "C",
  ADD COLUMN is_leader integer NOT NULL DEFAULT 0 CHECK (is_leader IN (0, 1)),
  ADD COLUMN follows text COLLATE "C" REFERENCES tasks (id),
  ADD COLUMN cached_from text COLLATE "C",
  ADD COLUMN resolved_inputs json,
  ADD CONSTRAINT tasks_follows_when
    CHECK (follows IS NULL OR (state = 'blocked' AND resolvable = 0 AND follows <> id)),
  ADD CONSTRAINT tasks_cached CHECK (cached_from IS NULL OR state = 'cached');
CREATE INDEX tasks_resolvable ON tasks (machine, seq) WHERE resolvable = 1;
CREATE UNIQUE INDEX tasks_leader ON tasks (cache_key, machine) WHERE is_leader = 1 AND ended_at IS NULL;
CREATE INDEX tasks_follows ON tasks (follows) WHERE follows IS NOT NULL;
CREATE INDEX tasks_hits ON tasks (cache_key, machine, ended_at, seq)
  WHERE cache_key IS NOT NULL AND state = 'complete';
CREATE INDEX tasks_cached_from ON tasks (cached_from) WHERE cached_from IS NOT NULL;
CREATE INDEX tasks_skipped_with ON tasks (because) WHERE cache_key IS NOT NULL AND state = 'skipped';

CREATE TABLE run_outputs (
  run_id      text COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  name        text COLLATE "C" NOT NULL,
  item        text COLLATE "C" NOT NULL,
  kind        text NOT NULL,
  digest      text COLLATE "C" NOT NULL,
  bytes       bigint NOT NULL CHECK (bytes >= 0),
  files       bigint NOT NULL CHECK (files >= 0),
  path        text COLLATE "C" NOT NULL,
  holder      text COLLATE "C" NOT NULL,
  stats       text NOT NULL,
  state       text NOT NULL DEFAULT 'present' CHECK (state IN ('present', 'missing', 'changed')),
  machine     text NOT NULL,
  checked_at  bigint NOT NULL,
  PRIMARY KEY (run_id, name, item)
);
CREATE INDEX run_outputs_digest ON run_outputs (digest);
CREATE INDEX run_outputs_place ON run_outputs (holder, path);

CREATE FUNCTION tasks_new_life() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM run_outputs WHERE run_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER tasks_new_life AFTER UPDATE OF life ON tasks FOR EACH ROW WHEN (NEW.life <> OLD.life)
EXECUTE FUNCTION tasks_new_life();

CREATE TABLE aliases (
  name     text COLLATE "C" NOT NULL CHECK (length(name) > 0),
  version  integer NOT NULL CHECK (version >= 1),
  run_id   text COLLATE "C" NOT NULL,
  output   text,
  digest   text,
  caller   text NOT NULL,
  set_at   bigint NOT NULL,
  PRIMARY KEY (name, version)
);
CREATE VIEW current_aliases AS
  SELECT * FROM aliases a WHERE version = (SELECT max(version) FROM aliases b WHERE b.name = a.name);
`;
