import { launch } from "./cli/launch.ts";

process.exitCode = await launch(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
});
