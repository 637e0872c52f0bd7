import { AexpError, messageOf, systemErrorCode } from "../../model/errors.ts";

/** The connection went away under a statement. What its transaction did is undone, unless it was being committed. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";

  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
  }
}

/** What the server itself said. Errors of the network and of the driver carry no severity. */
function serverError(error: unknown): { readonly code: string; readonly isFatal: boolean } | undefined {
  if (!(error instanceof Error) || !("severity" in error) || !("code" in error)) return undefined;
  if (typeof error.code !== "string") return undefined;
  return { code: error.code, isFatal: error.severity === "FATAL" || error.severity === "PANIC" };
}

/** A statement was prepared, and its table is another one now: a newer program has changed the schema. */
const PLAN_OUTDATED = "0A000";

/** Whether the connection on which a statement failed is of no more use. */
export function isLost(error: unknown): boolean {
  const server = serverError(error);
  return server === undefined || server.isFatal || server.code === PLAN_OUTDATED;
}

/** Cancelled by an operator, crashed, starting up, too many clients. */
const PASSING_STATES = ["57P01", "57P02", "57P03", "53300"];
const PASSING_SYSTEM_ERRORS = ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "EAI_AGAIN"];

/** Whether a connection that could not be made may well be made in a moment. */
export function isPassing(error: unknown): boolean {
  const server = serverError(error);
  if (server !== undefined) return PASSING_STATES.includes(server.code);
  const code = systemErrorCode(error);
  // The driver's own words for a connection that was cut while it was made have no code.
  return code === undefined ? /^(?:Connection terminated|timeout expired)/.test(messageOf(error)) : isPassingCode(code);
}

function isPassingCode(code: string): boolean {
  return PASSING_SYSTEM_ERRORS.includes(code);
}

/**
 * Gives the failures of a server that a user can do something about a sentence of their own. Neither the server nor the
 * driver repeats a password, and `place` has none.
 */
export function explainServerFailure(error: unknown, place: string): unknown {
  if (error instanceof AexpError) return error;
  const server = serverError(error);
  if (server === undefined) return isOurs(error) ? error : unreachable(error, place);
  const problem = messageOf(error);
  switch (server.code) {
    case "28000":
    case "28P01":
    case "42501":
      return new AexpError(`${place} refuses: ${problem}`, {
        code: "queue.access_denied",
        hint: "Check the user and password of the database URL, and the rights that docs/postgres.md lists.",
        cause: error,
      });
    case "3D000":
      return new AexpError(`${place} is not there: ${problem}`, {
        code: "queue.unreachable",
        hint: "Have the database made, or correct the URL.",
        cause: error,
      });
    case "55P03":
    case "57014":
      return new AexpError(`${place} was locked by another process for too long. Nothing was changed`, {
        code: "queue.busy",
        hint: "Try again; if it stays like this, look for a session that is `idle in transaction`.",
        cause: error,
      });
    case "25006":
      return new AexpError(`${place} cannot be written: ${problem}`, {
        code: "environment.read_only",
        hint: "Name the primary server in the URL, not a standby.",
        cause: error,
      });
    case "53100":
      return new AexpError(`${place} cannot be written: ${problem}. Nothing was changed`, {
        code: "environment.disk_full",
        hint: "Have space made on the server, and run the command again.",
        cause: error,
      });
    case "3F000":
    case "42P01":
    case "42703":
      return new AexpError(`${place} cannot be used as the queue's database: ${problem}`, {
        code: "queue.database_damaged",
        hint: "Drop what is left of the schema and run `aexp queue recover --rebuild`.",
        cause: error,
      });
    default:
      return server.isFatal ? unreachable(error, place) : error;
  }
}

/** A mistake in our own code, which is no matter of the network. */
function isOurs(error: unknown): boolean {
  return error instanceof TypeError && systemErrorCode(error) === undefined;
}

function unreachable(error: unknown, place: string): AexpError {
  const problem = messageOf(error) || systemErrorCode(error) || "no answer";
  return new AexpError(`${place} cannot be reached: ${problem}`, {
    code: "queue.unreachable",
    hint: "Check that the server runs, that this machine may connect to it, and that the URL is right.",
    cause: error,
  });
}
