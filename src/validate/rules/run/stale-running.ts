import { parseInstant } from "../../../model/clock.ts";
import type { RunRule } from "../../context.ts";

/** After so many missed heartbeats a run is taken for dead, unless its process is seen. */
const MISSED_HEARTBEATS = 10;

export const staleRunning: RunRule = {
  code: "run.stale_running",
  check({ run: { jobId, document } }, { attempts, processes, nowMs, heartbeatIntervalS }) {
    const { facts } = document;
    if (facts.status !== "running") return undefined;
    const heartbeat = attempts.heartbeat(jobId, facts.attempt ?? 1);
    const seen = heartbeat?.at ?? facts.heartbeat_at ?? facts.started_at;
    const seenMs = seen === undefined ? undefined : parseInstant(seen);
    if (seenMs !== undefined && nowMs - seenMs <= MISSED_HEARTBEATS * heartbeatIntervalS * 1000) return undefined;

    const record = facts.queue?.proc;
    if (record !== undefined && processes.isRunning(record) === true) return undefined;
    const since = seen === undefined ? "it never gave a sign of life" : `its last sign of life is of ${seen}`;
    return {
      message: `the run is marked as running, but ${since} and no process of it is there: mark it with \`aexp runs mark ${jobId} abandoned\``,
      ...(seen === undefined ? {} : { detail: { last_seen: seen } }),
    };
  },
};
