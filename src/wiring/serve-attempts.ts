export { serveAttempts } from "../executor/local/supervisor/serve-attempts.ts";
