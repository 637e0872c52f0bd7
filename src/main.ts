import { launch } from "./cli/launch.ts";
import { processIo } from "./cli/process-io.ts";

process.exitCode = await launch(process.argv.slice(2), processIo());
