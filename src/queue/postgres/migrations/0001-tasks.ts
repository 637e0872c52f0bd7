/**
 * Tasks, their edges, attempts, locks, events and the outbox. Times are epoch milliseconds of the server's clock. Names
 * by which something is ordered compare by their bytes, so that the order is the same on every server.
 *
 * `tasks.life` counts how often a task was opened again after its end: an ended row is immutable but for that. An edge
 * in `task_needs` is `met` for the rest of its task's life, so that readiness is one look at a small index however many
 * needs there are. `lanes.declared` is what the project's configuration said about the lane when it was last looked at.
 * `writers` has the last transaction of each process, which asks after it when the answer to a commit was lost.
 */
export const TASKS_SQL = `
CREATE TABLE lanes (
  name            text COLLATE "C" PRIMARY KEY CHECK (length(name) > 0),
  max_running     integer CHECK (max_running >= 0),
  max_per_caller  integer CHECK (max_per_caller >= 1),
  paused          integer NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
  on_lost         text NOT NULL DEFAULT 'fail' CHECK (on_lost IN ('fail', 'requeue')),
  retain_ms       bigint CHECK (retain_ms >= 0),
  keep_last       integer NOT NULL DEFAULT 3 CHECK (keep_last >= 0),
  age_ms          bigint CHECK (age_ms > 0),
  executor        text NOT NULL DEFAULT 'local' CHECK (executor IN ('local', 'slurm')),
  declared        json NOT NULL DEFAULT '{}'
);
INSERT INTO lanes (name) VALUES ('default');

CREATE TABLE groups (
  id          text COLLATE "C" PRIMARY KEY,
  kind        text NOT NULL CHECK (kind IN ('sweep', 'batch', 'pipeline')),
  name        text NOT NULL,
  state       text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'complete', 'failed', 'stopped')),
  epoch       integer NOT NULL DEFAULT 1,
  caller      text NOT NULL,
  created_at  bigint NOT NULL,
  ended_at    bigint,
  CHECK ((state = 'active') = (ended_at IS NULL))
);

CREATE TABLE state_edges (a text NOT NULL, b text NOT NULL, PRIMARY KEY (a, b));
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
  seq               bigint PRIMARY KEY,
  id                text COLLATE "C" NOT NULL UNIQUE CHECK (id ~ '^[0-9a-f]{32}$'),
  life              integer NOT NULL DEFAULT 1,
  group_id          text COLLATE "C" NOT NULL REFERENCES groups (id),
  experiment_id     text,
  name              text,
  tag               text,
  lane              text COLLATE "C" NOT NULL REFERENCES lanes (name),
  kind              text COLLATE "C" NOT NULL CHECK (kind <> '*' AND length(kind) > 0),
  caller            text COLLATE "C" NOT NULL,
  owner             text NOT NULL,
  machine           text NOT NULL,
  target            text,
  executor          text NOT NULL CHECK (executor IN ('local', 'slurm')),
  priority          integer NOT NULL,
  eff_priority      integer NOT NULL,
  has_resources     integer NOT NULL CHECK (has_resources IN (0, 1)),
  spec              json NOT NULL,
  state             text NOT NULL DEFAULT 'created' CHECK (state IN ('created', 'blocked', 'queued', 'submitting',
    'submitted', 'running', 'finalizing', 'complete', 'cached', 'failed', 'stopped', 'abandoned', 'skipped')),
  reason_code       text,
  reason_message    text,
  because           text,
  stop_at           bigint,
  stop_mode         text CHECK (stop_mode IN ('graceful', 'kill')),
  stop_code         text,
  stop_message      text,
  not_before        bigint NOT NULL DEFAULT 0,
  attempt           integer NOT NULL DEFAULT 0,
  failures          integer NOT NULL DEFAULT 0,
  worker_id         text,
  lease_token       text COLLATE "C" UNIQUE,
  lease_expires_at  bigint,
  exit_code         integer,
  signal            text,
  created_at        bigint NOT NULL,
  queued_at         bigint,
  started_at        bigint,
  ended_at          bigint,
  CONSTRAINT tasks_ended CHECK (
    (state IN ('complete', 'cached', 'failed', 'stopped', 'abandoned', 'skipped')) = (ended_at IS NOT NULL)),
  CONSTRAINT tasks_ends_after_start CHECK (ended_at >= started_at),
  CONSTRAINT tasks_reason CHECK ((reason_code IS NULL) = (reason_message IS NULL)),
  CONSTRAINT tasks_stop CHECK ((stop_at IS NULL) = (stop_mode IS NULL) AND (stop_at IS NULL) = (stop_code IS NULL)),
  CONSTRAINT tasks_lease CHECK (
    (lease_token IS NULL) = (lease_expires_at IS NULL) AND (lease_token IS NULL) = (worker_id IS NULL)),
  CONSTRAINT tasks_lease_when CHECK ((lease_token IS NOT NULL) = (state IN ('submitting', 'running', 'finalizing'))
    OR (lease_token IS NULL AND executor = 'slurm'))
);
CREATE INDEX tasks_claim ON tasks (lane, kind, caller, eff_priority DESC, seq) WHERE state = 'queued';
CREATE INDEX tasks_active ON tasks (lane, caller) WHERE state IN ('submitting', 'submitted', 'running', 'finalizing');
CREATE INDEX tasks_batch ON tasks (owner, seq)
  WHERE executor = 'slurm' AND state IN ('submitted', 'running', 'finalizing');
CREATE INDEX tasks_lease ON tasks (lease_expires_at) WHERE lease_token IS NOT NULL;
CREATE INDEX tasks_worker ON tasks (worker_id) WHERE lease_token IS NOT NULL;
CREATE INDEX tasks_group ON tasks (group_id);
CREATE INDEX tasks_open ON tasks (group_id) WHERE ended_at IS NULL;
CREATE INDEX tasks_ended_at ON tasks (lane, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX tasks_state ON tasks (state, lane);

CREATE FUNCTION tasks_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'no task begins as %', NEW.state;
END $$;
CREATE TRIGGER tasks_begin BEFORE INSERT ON tasks FOR EACH ROW WHEN (NEW.state NOT IN ('blocked', 'queued', 'skipped'))
EXECUTE FUNCTION tasks_begin();

CREATE FUNCTION tasks_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF OLD.ended_at IS NOT NULL AND NEW.life = OLD.life THEN
    RAISE EXCEPTION 'an ended task does not change';
  END IF;
  IF NEW.life <> OLD.life AND (NEW.life <> OLD.life + 1 OR OLD.ended_at IS NULL OR NEW.ended_at IS NOT NULL) THEN
    RAISE EXCEPTION 'only an ended task gets a new life';
  END IF;
  IF NEW.state <> OLD.state AND NOT (NEW.state = 'created' AND NEW.life = OLD.life + 1)
    AND NOT EXISTS (SELECT 1 FROM state_edges WHERE a = OLD.state AND b = NEW.state) THEN
    RAISE EXCEPTION 'illegal transition % -> %', OLD.state, NEW.state;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER tasks_guard BEFORE UPDATE ON tasks FOR EACH ROW
WHEN (NEW.state <> OLD.state OR NEW.life <> OLD.life OR OLD.ended_at IS NOT NULL)
EXECUTE FUNCTION tasks_guard();

CREATE TABLE task_needs (
  run_id  text COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  needs   text COLLATE "C" NOT NULL REFERENCES tasks (id),
  cond    text NOT NULL CHECK (cond IN ('success', 'ended')),
  met     integer NOT NULL CHECK (met IN (0, 1)),
  PRIMARY KEY (run_id, needs),
  CHECK (run_id <> needs)
);
CREATE INDEX task_needs_of ON task_needs (needs);
CREATE INDEX task_needs_open ON task_needs (run_id) WHERE met = 0;

CREATE TABLE attempts (
  run_id            text COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  n                 integer NOT NULL,
  lease_token       text COLLATE "C" NOT NULL UNIQUE,
  worker_id         text NOT NULL,
  machine           text NOT NULL,
  pid               bigint,
  pid_start         text,
  boot_id           text,
  scheduler_job_id  text,
  missing_since     bigint,
  started_at        bigint NOT NULL,
  ended_at          bigint CHECK (ended_at >= started_at),
  outcome           text CHECK (
    outcome IN ('complete', 'cached', 'failed', 'stopped', 'abandoned', 'skipped', 'released')),
  reason_code       text,
  reason_message    text,
  exit_code         integer,
  signal            text,
  counted           integer NOT NULL DEFAULT 1 CHECK (counted IN (0, 1)),
  PRIMARY KEY (run_id, n),
  CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE UNIQUE INDEX attempts_one_alive ON attempts (run_id) WHERE ended_at IS NULL;

CREATE TABLE task_resources (
  run_id  text COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  key     text COLLATE "C" NOT NULL,
  PRIMARY KEY (run_id, key)
);
CREATE TABLE resource_locks (
  key          text COLLATE "C" PRIMARY KEY,
  holder       text COLLATE "C" NOT NULL,
  holder_kind  text NOT NULL CHECK (holder_kind IN ('run', 'cli')),
  run_id       text COLLATE "C",
  fence        bigint NOT NULL,
  acquired_at  bigint NOT NULL,
  expires_at   bigint NOT NULL,
  note         text NOT NULL,
  CHECK ((holder_kind = 'run') = (run_id IS NOT NULL))
);
CREATE INDEX resource_locks_holder ON resource_locks (holder);
CREATE TABLE resource_fences (key text COLLATE "C" PRIMARY KEY, fence bigint NOT NULL);

CREATE TABLE workers (
  id          text COLLATE "C" PRIMARY KEY,
  machine     text NOT NULL,
  pid         bigint NOT NULL,
  pid_start   text,
  boot_id     text,
  pools       text NOT NULL,
  state       text NOT NULL CHECK (state IN ('up', 'draining')),
  started_at  bigint NOT NULL,
  beat_at     bigint NOT NULL
);

CREATE TABLE frozen_orders (name text PRIMARY KEY, ids json NOT NULL, at bigint NOT NULL);

CREATE SEQUENCE event_ids;
CREATE TABLE events (
  id        bigint PRIMARY KEY,
  at        bigint NOT NULL,
  kind      text NOT NULL,
  run_id    text COLLATE "C",
  group_id  text COLLATE "C",
  data      json NOT NULL
);
CREATE INDEX events_run ON events (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX events_group ON events (group_id) WHERE group_id IS NOT NULL AND run_id IS NULL;

CREATE TABLE outbox (
  id          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  topic       text NOT NULL CHECK (topic IN ('mark', 'event')),
  subject     text COLLATE "C" NOT NULL,
  dedupe      text COLLATE "C" NOT NULL UNIQUE,
  data        json NOT NULL,
  machine     text,
  state       text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dead')),
  tries       integer NOT NULL DEFAULT 0,
  problem     text,
  not_before  bigint NOT NULL DEFAULT 0,
  at          bigint NOT NULL
);
CREATE INDEX outbox_pending ON outbox (id) WHERE state = 'pending';
CREATE INDEX outbox_subject ON outbox (subject, topic, id) WHERE state = 'pending';
CREATE INDEX outbox_marks ON outbox (subject) WHERE topic = 'mark';
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';
CREATE INDEX outbox_old ON outbox (at) WHERE state = 'done' AND topic = 'event';

CREATE TABLE writers (id text PRIMARY KEY, serial bigint NOT NULL, at bigint NOT NULL);
`;
