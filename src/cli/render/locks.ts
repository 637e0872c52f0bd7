import { toInstant } from "../../model/clock.ts";
import type { ResourceLock } from "../../queue/queue-store.ts";
import type { Screen } from "../screen.ts";
import { type Column, renderTable } from "./table.ts";
import { renderInstant } from "./time.ts";

/** A lock as `--json` prints it. */
export interface LockJson {
  readonly key: string;
  readonly kind: "run" | "command";
  /** The run that holds it. */
  readonly run_id: string | null;
  /** What releases the lock of a command; `null` for runs. */
  readonly holder: string | null;
  readonly note: string;
  readonly fence: number;
  readonly acquired_at: string;
  readonly expires_at: string;
}

export function toLockJson(lock: ResourceLock): LockJson {
  const isRun = lock.holderKind === "run";
  return {
    key: lock.key,
    kind: isRun ? "run" : "command",
    run_id: lock.runId ?? null,
    holder: isRun ? null : lock.holder,
    note: lock.note,
    fence: lock.fence,
    acquired_at: toInstant(lock.acquiredAt),
    expires_at: toInstant(lock.expiresAt),
  };
}

/** A line for each lock that is held. */
export function renderLocks(locks: readonly ResourceLock[], screen: Screen): string {
  if (locks.length === 0) return "no locks are held";
  const columns: readonly Column<ResourceLock>[] = [
    { name: "key", value: ({ key }) => key },
    { name: "kind", isFixed: true, value: ({ holderKind }) => (holderKind === "run" ? "run" : "command") },
    { name: "held by", value: ({ note }) => note },
    { name: "fence", align: "right", isFixed: true, value: ({ fence }) => String(fence) },
    { name: "since", value: ({ acquiredAt }) => renderInstant(toInstant(acquiredAt), screen) },
    { name: "expires", value: ({ expiresAt }) => renderInstant(toInstant(expiresAt), screen) },
  ];
  return renderTable(columns, locks, { width: screen.width, color: screen.color });
}
