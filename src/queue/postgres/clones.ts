import { AexpError } from "../../model/errors.ts";
import { text } from "../rows.ts";
import type { Database, Queries } from "./database.ts";

/** A clone of the repository, as the queue knows it. */
export interface Clone {
  /** The name by which it goes: runs say by it where they are executed, and where their folders and outputs are. */
  readonly machine: string;
  readonly host: string;
  /** Absolute path of its root on that host, without links in it. */
  readonly root: string;
  /** Whether another clone is at that place of this host, and goes by the same name. */
  readonly isNamesake: (root: string) => boolean;
}

/**
 * Notes which clone goes by a name. Of two on one host the first one has it: the other would execute runs whose folders
 * it does not have, deliver what is meant for the first one's documents, and take outputs for missing that lie there.
 * A clone that is gone, or goes by another name by now, does not count. Clones of other hosts cannot be looked at, and
 * may be the same one.
 *
 * @throws {AexpError} `queue.name_taken`
 */
export async function takeName(db: Database, clone: Clone): Promise<void> {
  for (;;) {
    const known = await listRoots(db, clone);
    if (known.includes(clone.root)) return;
    const namesake = known.find((root) => clone.isNamesake(root));
    if (namesake !== undefined) throw nameTaken(clone, namesake);
    if (await note(db, clone, known)) return;
  }
}

async function listRoots(db: Queries, { machine, host }: Clone): Promise<readonly string[]> {
  const rows = await db.all("SELECT root FROM clones WHERE machine = :machine AND host = :host ORDER BY root", {
    machine,
    host,
  });
  return rows.map((row) => text(row, "root"));
}

/**
 * Puts a clone in the place of those that were found to be none any more.
 *
 * @returns false when another one came meanwhile, which was not looked at
 */
async function note(db: Database, clone: Clone, gone: readonly string[]): Promise<boolean> {
  try {
    return await db.write(async (tx) => {
      const { machine, host, root } = clone;
      const known = await listRoots(tx.db, clone);
      if (known.some((other) => !gone.includes(other))) return false;
      await tx.db.run("DELETE FROM clones WHERE machine = :machine AND host = :host", { machine, host });
      await tx.db.run("INSERT INTO clones VALUES (:machine, :host, :root, :now)", {
        machine,
        host,
        root,
        now: tx.now,
      });
      return true;
    });
  } catch (error) {
    // Whoever may only look takes nothing away from anybody.
    if (error instanceof AexpError && error.code === "queue.access_denied") return true;
    throw error;
  }
}

function nameTaken({ machine }: Clone, namesake: string): AexpError {
  return new AexpError(
    `this clone and the one in ${JSON.stringify(namesake)} both go by the name ${JSON.stringify(machine)} in the queue that they share`,
    {
      code: "queue.name_taken",
      hint: `\`aexp install --machine-label ${machine}-2\` gives this one a name of its own; its folders and outputs are known by that.`,
    },
  );
}
