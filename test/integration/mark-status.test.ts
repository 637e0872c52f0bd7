import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type AttemptOutcome, markStatus } from "../../src/app/mark-status.ts";
import { parseExactObject } from "../../src/model/exact-json-reader.ts";
import { isLegalTransition, isTerminal, RUN_STATUSES } from "../../src/run/run-status.ts";
import { makeProject } from "../helpers/project.ts";

const START_MS = Date.parse("2026-03-01T10:00:00Z");
const SUCCESS: AttemptOutcome = {
  endedAtMs: START_MS + 2500,
  wallclockS: 2.5,
  exitCode: 0,
  signal: null,
  host: "gpu03",
  metrics: { loss: 0.5 },
  stderrTail: "",
};

async function newRun(document: Parameters<Awaited<ReturnType<typeof makeProject>>["repo"]["runs"]["create"]>[1]) {
  const { root, repo, warnings } = await makeProject();
  const { jobId } = await repo.runs.create(parseExactObject('{"a": 1}'), document);
  return { root, repo, warnings, jobId };
}

describe("markStatus", () => {
  it("follows every legal path, and refuses every other step without a change", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...RUN_STATUSES), { maxLength: 6 }), async (path) => {
        const { repo, jobId } = await newRun({ status: "created" });
        let wasFinished = false;
        for (const to of path) {
          const before = repo.runs.read(jobId).document.facts;
          const isLegal = isLegalTransition(before.status ?? "created", to);

          const outcome = await markStatus(repo, jobId, { to }).catch((error: unknown) => error);

          const after = repo.runs.read(jobId).document.facts;
          expect(outcome).toMatchObject(isLegal ? { document: { facts: after } } : { code: "run.illegal_transition" });
          expect(after).toEqual(isLegal ? { ...after, status: to } : before);
          wasFinished ||= isLegal && isTerminal(to);
          expect(repo.ledger.has(jobId)).toBe(wasFinished);
        }
      }),
      { numRuns: 15, seed: 4 },
    );
  });

  it("writes all that a success means, and clears what a failure left", async () => {
    const { repo, jobId } = await newRun({
      status: "running",
      started_at: "2026-03-01T10:00:00Z",
      attempt: 2,
      attempts: [{ n: 1, status: "failed", reason: { code: "signal" } }],
      queue: {
        lane: "gpu",
        proc: { pid: 1, pgid: 1, host: "gpu03" },
        last_error: { returncode: 1, stderr_tail: "x", failed_at: "2026-03-01T09:00:00Z" },
      },
      mine: { kept: true },
    });

    await markStatus(repo, jobId, { to: "complete", attempt: SUCCESS });

    expect(repo.runs.read(jobId).document.facts).toEqual({
      status: "complete",
      started_at: "2026-03-01T10:00:00Z",
      ended_at: "2026-03-01T10:00:02Z",
      wallclock_s: 2.5,
      exit_code: 0,
      attempt: 2,
      attempts: [
        { n: 1, status: "failed", reason: { code: "signal" } },
        {
          n: 2,
          status: "complete",
          started_at: "2026-03-01T10:00:00Z",
          ended_at: "2026-03-01T10:00:02Z",
          wallclock_s: 2.5,
          exit_code: 0,
          host: "gpu03",
        },
      ],
      summary_metrics: { loss: 0.5 },
      queue: { lane: "gpu" },
      mine: { kept: true },
    });
  });

  it("keeps the end of what a failure printed, at most 2 KiB of whole characters", async () => {
    const { repo, jobId } = await newRun({ status: "running", started_at: "2026-03-01T10:00:00Z" });

    await markStatus(repo, jobId, {
      to: "failed",
      reason: { code: "exit_nonzero", message: "exit 3" },
      attempt: { ...SUCCESS, exitCode: 3, stderrTail: `${"x".repeat(4000)}${"日本".repeat(500)}!` },
    });

    const lastError = repo.runs.read(jobId).document.facts.queue?.last_error;
    expect(lastError).toMatchObject({ returncode: 3, failed_at: "2026-03-01T10:00:02Z", cause: "exit 3" });
    expect(lastError?.stderr_tail).toMatch(/^[日本]{682}!$/u);
  });

  it("never ends a run before it began, even when the clock was set back", async () => {
    const { repo, jobId } = await newRun({ status: "running", started_at: "2026-03-01T10:00:00Z" });

    await markStatus(repo, jobId, { to: "complete", attempt: { ...SUCCESS, endedAtMs: START_MS - 3_600_000 } });

    expect(repo.runs.read(jobId).document.facts.ended_at).toBe("2026-03-01T10:00:00Z");
  });

  it("renames the old run link", async () => {
    const link = { experiment_id: "E001", hypothesis_id: null, sub_hypothesis_id: null };
    const { repo, jobId } = await newRun({ status: "running", limina: link });

    await markStatus(repo, jobId, { to: "complete", attempt: SUCCESS });

    const document = repo.runs.readExactDocument(jobId);
    expect(document.has("limina")).toBe(false);
    expect(repo.runs.read(jobId).document.facts.aexp).toEqual(link);
  });

  it("says that the promotion failed, and changes nothing for that", async () => {
    const { repo, jobId, warnings } = await newRun({ status: "running" });
    const token = "ghp_012345678901234567890123456789012345";

    const outcome = await markStatus(repo, jobId, {
      to: "complete",
      attempt: { ...SUCCESS, metrics: { note: token } },
    });

    expect(outcome.promotion).toBe("failed");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("but has no ledger entry yet");
    expect(warnings[0]).not.toContain(token);
    expect(repo.runs.read(jobId).document.facts.status).toBe("complete");
  });
});
