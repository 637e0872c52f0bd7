/** A thread that hashes files, for the process that started it. An entry of its own, as threads begin with a file. */
import { serveHashing } from "./output/fs/serve-hashing.ts";

await serveHashing();
