/**
 * Tasks, their edges, attempts, locks, events and the outbox. Times are epoch milliseconds.
 *
 * `tasks.life` counts how often a task was opened again after its end: an ended row is immutable but for that. An edge
 * in `task_needs` is `met` for the rest of its task's life, so that readiness is one look at a small index however many
 * needs there are. `lanes.declared` is what the project's configuration said about the lane when it was last looked at.
 */
export const TASKS_SQL = `
CREATE TABLE lanes (
  name            TEXT PRIMARY KEY CHECK (length(name) > 0),
  max_running     INTEGER CHECK (max_running >= 0),
  max_per_caller  INTEGER CHECK (max_per_caller >= 1),
  paused          INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
  on_lost         TEXT NOT NULL DEFAULT 'fail' CHECK (on_lost IN ('fail', 'requeue')),
  retain_ms       INTEGER CHECK (retain_ms >= 0),
  keep_last       INTEGER NOT NULL DEFAULT 3 CHECK (keep_last >= 0),
  age_ms          INTEGER CHECK (age_ms > 0),
  declared        TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(declared))
) STRICT;
INSERT INTO lanes (name) VALUES ('default');

CREATE TABLE groups (
  id          TEXT PRIMARY KEY,
  kind        TEXT NOT NULL CHECK (kind IN ('sweep', 'batch', 'pipeline')),
  name        TEXT NOT NULL,
  state       TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'complete', 'failed', 'stopped')),
  epoch       INTEGER NOT NULL DEFAULT 1,
  caller      TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  ended_at    INTEGER,
  CHECK ((state = 'active') = (ended_at IS NULL))
) STRICT;

CREATE TABLE state_edges (a TEXT NOT NULL, b TEXT NOT NULL, PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID;
INSERT INTO state_edges VALUES
  ('created', 'blocked'), ('created', 'queued'), ('created', 'running'), ('created', 'cached'),
  ('created', 'skipped'), ('created', 'abandoned'), ('created', 'failed'),
  ('blocked', 'queued'), ('blocked', 'cached'), ('blocked', 'skipped'), ('blocked', 'abandoned'),
  ('queued', 'running'), ('queued', 'submitting'), ('queued', 'blocked'), ('queued', 'cached'),
  ('queued', 'skipped'), ('queued', 'abandoned'), ('queued', 'failed'),
  ('submitting', 'submitted'), ('submitting', 'queued'), ('submitting', 'failed'), ('submitting', 'stopped'),
  ('submitted', 'running'), ('submitted', 'finalizing'), ('submitted', 'queued'), ('submitted', 'failed'),
  ('submitted', 'stopped'),
  ('running', 'submitted'), ('running', 'finalizing'), ('running', 'queued'), ('running', 'complete'),
  ('running', 'failed'), ('running', 'stopped'),
  ('finalizing', 'queued'), ('finalizing', 'complete'), ('finalizing', 'failed'), ('finalizing', 'stopped'),
  ('failed', 'queued'), ('failed', 'blocked'), ('stopped', 'queued'), ('stopped', 'blocked'),
  ('abandoned', 'queued'), ('abandoned', 'blocked'), ('skipped', 'queued'), ('skipped', 'blocked');

CREATE TABLE tasks (
  seq               INTEGER PRIMARY KEY,
  id                TEXT NOT NULL UNIQUE CHECK (length(id) = 32 AND id NOT GLOB '*[^0-9a-f]*'),
  life              INTEGER NOT NULL DEFAULT 1,
  group_id          TEXT NOT NULL REFERENCES groups (id),
  experiment_id     TEXT,
  name              TEXT,
  tag               TEXT,
  lane              TEXT NOT NULL REFERENCES lanes (name),
  kind              TEXT NOT NULL CHECK (kind <> '*' AND length(kind) > 0),
  caller            TEXT NOT NULL,
  owner             TEXT NOT NULL,
  machine           TEXT NOT NULL,
  target            TEXT,
  executor          TEXT NOT NULL CHECK (executor IN ('local', 'slurm')),
  priority          INTEGER NOT NULL,
  eff_priority      INTEGER NOT NULL,
  has_resources     INTEGER NOT NULL CHECK (has_resources IN (0, 1)),
  spec              TEXT NOT NULL CHECK (json_valid(spec)),
  state             TEXT NOT NULL DEFAULT 'created' CHECK (state IN ('created', 'blocked', 'queued', 'submitting',
    'submitted', 'running', 'finalizing', 'complete', 'cached', 'failed', 'stopped', 'abandoned', 'skipped')),
  reason_code       TEXT,
  reason_message    TEXT,
  because           TEXT,
  stop_at           INTEGER,
  stop_mode         TEXT CHECK (stop_mode IN ('graceful', 'kill')),
  stop_code         TEXT,
  stop_message      TEXT,
  not_before        INTEGER NOT NULL DEFAULT 0,
  attempt           INTEGER NOT NULL DEFAULT 0,
  failures          INTEGER NOT NULL DEFAULT 0,
  worker_id         TEXT,
  lease_token       TEXT UNIQUE,
  lease_expires_at  INTEGER,
  exit_code         INTEGER,
  signal            TEXT,
  created_at        INTEGER NOT NULL,
  queued_at         INTEGER,
  started_at        INTEGER,
  ended_at          INTEGER,
  CONSTRAINT tasks_ended CHECK (
    (state IN ('complete', 'cached', 'failed', 'stopped', 'abandoned', 'skipped')) = (ended_at IS NOT NULL)),
  CONSTRAINT tasks_ends_after_start CHECK (ended_at >= started_at),
  CONSTRAINT tasks_reason CHECK ((reason_code IS NULL) = (reason_message IS NULL)),
  CONSTRAINT tasks_stop CHECK ((stop_at IS NULL) = (stop_mode IS NULL) AND (stop_at IS NULL) = (stop_code IS NULL)),
  CONSTRAINT tasks_lease CHECK (
    (lease_token IS NULL) = (lease_expires_at IS NULL) AND (lease_token IS NULL) = (worker_id IS NULL)),
  CONSTRAINT tasks_lease_when CHECK ((lease_token IS NOT NULL) = (state IN ('submitting', 'running', 'finalizing'))
    OR (lease_token IS NULL AND executor = 'slurm'))
) STRICT;
CREATE INDEX tasks_claim ON tasks (lane, kind, caller, eff_priority DESC, seq) WHERE state = 'queued';
CREATE INDEX tasks_active ON tasks (lane, caller) WHERE state IN ('submitting', 'submitted', 'running', 'finalizing');
CREATE INDEX tasks_lease ON tasks (lease_expires_at) WHERE lease_token IS NOT NULL;
CREATE INDEX tasks_worker ON tasks (worker_id) WHERE lease_token IS NOT NULL;
CREATE INDEX tasks_group ON tasks (group_id);
CREATE INDEX tasks_open ON tasks (group_id) WHERE ended_at IS NULL;
CREATE INDEX tasks_ended ON tasks (lane, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX tasks_state ON tasks (state, lane);

CREATE TRIGGER tasks_begin BEFORE INSERT ON tasks WHEN NEW.state <> 'created'
BEGIN SELECT RAISE(ABORT, 'a task begins as created'); END;

CREATE TRIGGER tasks_guard BEFORE UPDATE ON tasks
WHEN NEW.state <> OLD.state OR NEW.life <> OLD.life OR OLD.ended_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'an ended task does not change') WHERE OLD.ended_at IS NOT NULL AND NEW.life = OLD.life;
  SELECT RAISE(ABORT, 'only an ended task gets a new life')
    WHERE NEW.life <> OLD.life AND (NEW.life <> OLD.life + 1 OR OLD.ended_at IS NULL OR NEW.ended_at IS NOT NULL);
  SELECT RAISE(ABORT, 'illegal transition')
    WHERE NEW.state <> OLD.state AND NOT (NEW.state = 'created' AND NEW.life = OLD.life + 1)
      AND NOT EXISTS (SELECT 1 FROM state_edges WHERE a = OLD.state AND b = NEW.state);
END;

CREATE TABLE task_needs (
  run_id  TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  needs   TEXT NOT NULL REFERENCES tasks (id),
  cond    TEXT NOT NULL CHECK (cond IN ('success', 'ended')),
  met     INTEGER NOT NULL CHECK (met IN (0, 1)),
  PRIMARY KEY (run_id, needs),
  CHECK (run_id <> needs)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_needs_of ON task_needs (needs);
CREATE INDEX task_needs_open ON task_needs (run_id) WHERE met = 0;

CREATE TABLE attempts (
  run_id       TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  n            INTEGER NOT NULL,
  lease_token  TEXT NOT NULL UNIQUE,
  worker_id    TEXT NOT NULL,
  machine      TEXT NOT NULL,
  pid          INTEGER,
  pid_start    TEXT,
  boot_id      TEXT,
  started_at   INTEGER NOT NULL,
  ended_at     INTEGER CHECK (ended_at >= started_at),
  outcome      TEXT CHECK (outcome IN ('complete', 'cached', 'failed', 'stopped', 'abandoned', 'skipped', 'released')),
  reason_code     TEXT,
  reason_message  TEXT,
  exit_code    INTEGER,
  signal       TEXT,
  counted      INTEGER NOT NULL DEFAULT 1 CHECK (counted IN (0, 1)),
  PRIMARY KEY (run_id, n),
  CHECK ((ended_at IS NULL) = (outcome IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX attempts_one_alive ON attempts (run_id) WHERE ended_at IS NULL;

CREATE TABLE task_resources (
  run_id  TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  key     TEXT NOT NULL,
  PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE resource_locks (
  key          TEXT PRIMARY KEY,
  holder       TEXT NOT NULL,
  holder_kind  TEXT NOT NULL CHECK (holder_kind IN ('run', 'cli')),
  run_id       TEXT,
  fence        INTEGER NOT NULL,
  acquired_at  INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  note         TEXT NOT NULL,
  CHECK ((holder_kind = 'run') = (run_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX resource_locks_holder ON resource_locks (holder);
CREATE TABLE resource_fences (key TEXT PRIMARY KEY, fence INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
  id          TEXT PRIMARY KEY,
  machine     TEXT NOT NULL,
  pid         INTEGER NOT NULL,
  pid_start   TEXT,
  boot_id     TEXT,
  pools       TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('up', 'draining')),
  started_at  INTEGER NOT NULL,
  beat_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE frozen_orders (
  name  TEXT PRIMARY KEY,
  ids   TEXT NOT NULL CHECK (json_valid(ids)),
  at    INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  at        INTEGER NOT NULL,
  kind      TEXT NOT NULL,
  run_id    TEXT,
  group_id  TEXT,
  data      TEXT NOT NULL CHECK (json_valid(data))
) STRICT;
CREATE INDEX events_run ON events (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE outbox (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  topic       TEXT NOT NULL CHECK (topic IN ('mark', 'event')),
  subject     TEXT NOT NULL,
  dedupe      TEXT NOT NULL UNIQUE,
  data        TEXT NOT NULL CHECK (json_valid(data)),
  state       TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dead')),
  tries       INTEGER NOT NULL DEFAULT 0,
  problem     TEXT,
  not_before  INTEGER NOT NULL DEFAULT 0,
  at          INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_pending ON outbox (id) WHERE state = 'pending';
CREATE INDEX outbox_subject ON outbox (subject, topic, id) WHERE state = 'pending';
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';
`;
