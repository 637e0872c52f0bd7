/**
 * What policies have seen. An output of which a policy wants a run has none until it is submitted; the row and the run
 * come in one transaction. `listens` says what a policy listened to when it first saw the outputs of a user on a machine.
 */
export const POLICIES_SQL = `
CREATE TABLE policy_listeners (
  policy   TEXT NOT NULL,
  machine  TEXT NOT NULL,
  owner    TEXT NOT NULL,
  listens  TEXT NOT NULL,
  since    INTEGER NOT NULL,
  PRIMARY KEY (policy, machine, owner)
) STRICT, WITHOUT ROWID;

CREATE TABLE policy_fires (
  policy     TEXT NOT NULL,
  source     TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  output     TEXT NOT NULL,
  item       TEXT NOT NULL,
  digest     TEXT NOT NULL,
  position   INTEGER NOT NULL CHECK (position >= 1),
  is_wanted  INTEGER NOT NULL CHECK (is_wanted IN (0, 1)),
  run_id     TEXT,
  seen_at    INTEGER NOT NULL,
  fired_at   INTEGER,
  PRIMARY KEY (policy, source, output, item, digest),
  CONSTRAINT policy_fires_fired CHECK ((run_id IS NULL) = (fired_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX policy_fires_pending ON policy_fires (policy) WHERE is_wanted = 1 AND run_id IS NULL;
CREATE INDEX policy_fires_source ON policy_fires (source);
CREATE INDEX run_outputs_kind ON run_outputs (machine, kind);
`;
