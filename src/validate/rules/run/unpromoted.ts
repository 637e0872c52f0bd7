import { isTerminal } from "../../../run/run-status.ts";
import type { RunRule } from "../../context.ts";

export const unpromoted: RunRule = {
  code: "run.unpromoted",
  check({ run, entry }) {
    const { status } = run.document.facts;
    // A malformed entry is there and has its own error; backfill would not help.
    if (status === undefined || !isTerminal(status) || entry !== undefined) return undefined;
    return `the run is ${status} and has no ledger entry: run \`aexp ledger backfill\``;
  },
};
