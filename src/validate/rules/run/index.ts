import type { RunRule } from "../../context.ts";
import { brokenExperimentLink } from "./broken-experiment-link.ts";
import { hypothesisMismatch } from "./hypothesis-mismatch.ts";
import { orphan } from "./orphan.ts";
import { runIdMismatch } from "./id-mismatch.ts";
import { staleRunning } from "./stale-running.ts";
import { statusInvalid } from "./status-invalid.ts";
import { subHypothesisUnlisted } from "./sub-hypothesis-unlisted.ts";
import { unpromoted } from "./unpromoted.ts";
import { unreadableDocument } from "./unreadable-document.ts";

/** What is asked of every local run. */
export const RUN_RULES: readonly RunRule[] = [
  runIdMismatch,
  unreadableDocument,
  statusInvalid,
  orphan,
  brokenExperimentLink,
  hypothesisMismatch,
  subHypothesisUnlisted,
  staleRunning,
  unpromoted,
];
