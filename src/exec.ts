/** `aexp __exec`: the supervisor of a worker. An entry of its own, because a small process starts others quicker. */
import { serveAttempts } from "./executor/local/supervisor/serve-attempts.ts";

try {
  serveAttempts();
} catch (error) {
  const { renderError, toReportedError } = await import("./cli/report-error.ts");
  const reported = toReportedError(error);
  process.stderr.write(renderError(reported));
  process.exitCode = reported.exitCode;
}
