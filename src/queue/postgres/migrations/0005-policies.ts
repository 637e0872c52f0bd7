/**
 * What policies have seen. An output of which a policy wants a run has none until it is submitted; the row and the run
 * come in one transaction. `listens` says what a policy listened to when it first saw the outputs of a user on a machine.
 */
export const POLICIES_SQL = `
CREATE TABLE policy_listeners (
  policy   text COLLATE "C" NOT NULL,
  machine  text COLLATE "C" NOT NULL,
  owner    text COLLATE "C" NOT NULL,
  listens  text NOT NULL,
  since    bigint NOT NULL,
  PRIMARY KEY (policy, machine, owner)
);

CREATE TABLE policy_fires (
  policy     text COLLATE "C" NOT NULL,
  source     text COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  output     text COLLATE "C" NOT NULL,
  item       text COLLATE "C" NOT NULL,
  digest     text COLLATE "C" NOT NULL,
  position   bigint NOT NULL CHECK (position >= 1),
  is_wanted  integer NOT NULL CHECK (is_wanted IN (0, 1)),
  run_id     text COLLATE "C",
  seen_at    bigint NOT NULL,
  fired_at   bigint,
  PRIMARY KEY (policy, source, output, item, digest),
  CONSTRAINT policy_fires_fired CHECK ((run_id IS NULL) = (fired_at IS NULL))
);
CREATE INDEX policy_fires_pending ON policy_fires (policy) WHERE is_wanted = 1 AND run_id IS NULL;
CREATE INDEX policy_fires_source ON policy_fires (source);
CREATE INDEX run_outputs_kind ON run_outputs (machine, kind);
`;
