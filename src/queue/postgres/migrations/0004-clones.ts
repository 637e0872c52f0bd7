/**
 * The clones that work on the queue, by the names of their machines: two of one host that go by the same name would take
 * each other's runs for their own.
 */
export const CLONES_SQL = `
CREATE TABLE clones (
  machine  text COLLATE "C" NOT NULL,
  host     text COLLATE "C" NOT NULL,
  root     text COLLATE "C" NOT NULL,
  since    bigint NOT NULL,
  PRIMARY KEY (machine, host, root)
);
`;
