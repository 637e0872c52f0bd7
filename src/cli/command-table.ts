// Generated from src/commands/ by `npm run generate`. Do not edit.
import type { CommandModule } from "./launch.ts";

export const COMMANDS: Readonly<Record<string, () => Promise<CommandModule>>> = {
  "batch list": () => import("../commands/batch/list.ts"),
  "batch show": () => import("../commands/batch/show.ts"),
  "completion": () => import("../commands/completion.ts"),
  "doctor": () => import("../commands/doctor.ts"),
  "ledger backfill": () => import("../commands/ledger/backfill.ts"),
  "ledger list": () => import("../commands/ledger/list.ts"),
  "ledger promote": () => import("../commands/ledger/promote.ts"),
  "ledger show": () => import("../commands/ledger/show.ts"),
  "ledger verify": () => import("../commands/ledger/verify.ts"),
  "run": () => import("../commands/run.ts"),
  "runs-export-index": () => import("../commands/runs-export-index.ts"),
  "runs compare": () => import("../commands/runs/compare.ts"),
  "runs diff": () => import("../commands/runs/diff.ts"),
  "runs link": () => import("../commands/runs/link.ts"),
  "runs list": () => import("../commands/runs/list.ts"),
  "runs mark": () => import("../commands/runs/mark.ts"),
  "runs new": () => import("../commands/runs/new.ts"),
  "runs show": () => import("../commands/runs/show.ts"),
  "status": () => import("../commands/status.ts"),
  "validate": () => import("../commands/validate.ts"),
  "version": () => import("../commands/version.ts"),
};

export const ALIASES: Readonly<Record<string, string>> = {
  "list-batches": "batch list",
  "show-batch": "batch show",
  "compare": "runs compare",
  "diff": "runs diff",
  "link": "runs link",
  "list-runs": "runs list",
  "ls": "runs list",
  "new-run": "runs new",
  "show-run": "runs show",
  "show": "runs show",
};
