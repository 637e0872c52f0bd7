import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

import { Database, type WriteTransaction } from "../../src/queue/sqlite/database.ts";
import { SharedTransaction } from "../../src/queue/sqlite/shared-transaction.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const note = (word: string) => (tx: WriteTransaction) => {
  tx.db.run("INSERT INTO words VALUES (:word)", { word });
  if (word === "bad") throw new Error("no such word");
  return word;
};

it("keeps what others write beside one that throws, and nothing of that one", async () => {
  const path = join(tempDir(), "shared.db");
  const connection = new DatabaseSync(path);
  onTestFinished(() => connection.close());
  connection.exec("CREATE TABLE words (word TEXT PRIMARY KEY)");
  const shared = new SharedTransaction(new Database(connection, path, Date.now));

  const outcomes = await Promise.allSettled(["one", "bad", "two"].map((word) => shared.write(note(word))));

  expect(outcomes).toMatchObject([
    { status: "fulfilled", value: "one" },
    { status: "rejected", reason: { message: "no such word" } },
    { status: "fulfilled", value: "two" },
  ]);
  const rows = connection.prepare("SELECT word FROM words ORDER BY word").all();
  expect(rows.map(({ word }) => word)).toEqual(["one", "two"]);
});
