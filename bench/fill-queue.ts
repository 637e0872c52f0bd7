// Makes a queue of so many tasks in a new database: node fill-queue.ts DATABASE COUNT
import { openSqliteQueueStore } from "../src/queue/sqlite/sqlite-queue-store.ts";
import { fillQueue } from "./claims.ts";

const [database = "", count = "0"] = process.argv.slice(2);
await using store = await openSqliteQueueStore(database);
await fillQueue(store, Number(count));
