// Prints how long each of so many claims took, in milliseconds: node claim-tasks.ts DATABASE COUNT
import { openSqliteQueueStore } from "../src/queue/sqlite/sqlite-queue-store.ts";
import { timeClaims } from "./claims.ts";

/** So many claims are not counted: meanwhile the other processes are still starting. */
const WARM_UP = 20;

const [database = "", count = "0"] = process.argv.slice(2);
await using store = await openSqliteQueueStore(database);
const durations = await timeClaims(store, Number(count) + WARM_UP);
process.stdout.write(JSON.stringify(durations.slice(WARM_UP)));
