import type { Client } from "pg";

import { AexpError } from "../../model/errors.ts";

/**
 * Refuses a pooler that gives the session of a client to another one between two transactions: settings, prepared
 * statements and notifications would get lost, or reach a stranger. Nothing of the session is changed before.
 *
 * A server tells each client the number of the process that serves it. What a pooler tells is another number; then a
 * second client shows whether it is served by the process that serves the first.
 *
 * @param openAnother - connects once more in the same way
 * @throws {AexpError} `queue.pooler_unsuitable`
 */
export async function refuseSharedSession(
  client: Client,
  openAnother: () => Promise<Client>,
  place: string,
): Promise<void> {
  const process = await processOf(client);
  if (announcedProcess(client) === process) return;
  const another = await openAnother();
  try {
    if ((await processOf(another)) !== process) return;
  } finally {
    await another.end();
  }
  throw new AexpError(`${place} is a pooler that shares one session among several clients`, {
    code: "queue.pooler_unsuitable",
    hint: "Name the server itself in the URL, or have the pooler work in session mode.",
  });
}

async function processOf(client: Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return rows[0]?.pid;
}

/** The driver's types do not know of it. */
function announcedProcess(client: Client): unknown {
  return "processID" in client ? client.processID : undefined;
}
