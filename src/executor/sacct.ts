import { JOB_ENDS, type JobReport, type JobState } from "./batch-executor.ts";
import { expandJobIds } from "./scheduler-id.ts";

/** The columns that {@link parseSacct} reads. The folder is the last, because it may hold any character. */
export const SACCT_FORMAT = "JobID,JobName,State,ExitCode,Start,End,WorkDir";

/** Words for jobs that wait, or wait again. */
const PENDING = ["PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"];
/** Words for jobs that have begun and not ended. */
const RUNNING = ["RUNNING", "COMPLETING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED"];

/**
 * Reads what `sacct -X -n -P` prints with {@link SACCT_FORMAT}: one line for each job, or for all elements of an array
 * that wait. A line that is not understood is left out, as if the job were not known yet.
 */
export function parseSacct(text: string): readonly JobReport[] {
  return text.split("\n").flatMap((line) => {
    const [ids = "", name = "", word = "", codes = "", start = "", end = "", ...folder] = line.split("|");
    if (folder.length === 0) return [];
    return expandJobIds(ids).map((schedulerJobId) =>
      toReport({ schedulerJobId, name, word, codes, start, end, folder: folder.join("|") }),
    );
  });
}

/** That there is a job, and where. */
export type JobListing = Pick<JobReport, "schedulerJobId" | "name" | "folder">;

/** The columns that {@link parseSqueue} reads. */
export const SQUEUE_FORMAT = "%i|%j|%Z";

/** Reads which jobs `squeue` lists with {@link SQUEUE_FORMAT}, one a line. */
export function parseSqueue(text: string): readonly JobListing[] {
  return text.split("\n").flatMap((line) => {
    const [ids = "", name = "", ...folder] = line.split("|");
    if (folder.length === 0) return [];
    return expandJobIds(ids).map((schedulerJobId) => ({ schedulerJobId, name, folder: folder.join("|") }));
  });
}

/** Reads what `scontrol show job --oneliner` prints, which has the same facts in another form. */
export function parseScontrolJobs(text: string): readonly JobReport[] {
  return text.split("\n").flatMap((line) => {
    const value = (pattern: RegExp): string => pattern.exec(line)?.[1] ?? "";
    const schedulerJobId = value(/^JobId=(\d+) /);
    if (schedulerJobId === "") return [];
    return [
      toReport({
        schedulerJobId,
        name: value(/ JobName=(.*?) UserId=/),
        word: value(/ JobState=(\S+)/),
        codes: value(/ ExitCode=(\S+)/),
        start: value(/ StartTime=(\S+)/),
        end: value(/ EndTime=(\S+)/),
        folder: value(/ WorkDir=(.*?) StdErr=/),
      }),
    ];
  });
}

interface Fields {
  readonly schedulerJobId: string;
  readonly name: string;
  readonly word: string;
  readonly codes: string;
  readonly start: string;
  readonly end: string;
  readonly folder: string;
}

function toReport({ schedulerJobId, name, word, codes, start, end, folder }: Fields): JobReport {
  const endedAtMs = parseTime(end);
  const startedAtMs = parseTime(start);
  return { schedulerJobId, name, folder, startedAtMs, endedAtMs, state: toState(word, codes, endedAtMs) };
}

/** Only the first word counts: `CANCELLED by 1000`. */
function toState(text: string, codes: string, endedAtMs: number | undefined): JobState {
  const [word = "", by] = text.split(/ by |\s+/);
  const how = JOB_ENDS.find((end) => end === word);
  if (how !== undefined) {
    // After an outage of the database, an end may be told for a while that is not the true one; it has no time.
    if (endedAtMs === undefined) return { kind: "unknown", word: `${word} without an end` };
    const [exitCode = 0, signal = 0] = codes.split(":").map(Number);
    return { kind: "ended", how, exitCode: exitCode || 0, signal: signal || 0, by };
  }
  if (PENDING.includes(word)) return { kind: "pending" };
  if (RUNNING.includes(word)) return { kind: "running" };
  return { kind: "unknown", word: word === "" ? "no state" : word };
}

/** Times are printed without a zone; whoever asked did so in UTC. Other words, such as `Unknown`, are no time. */
function parseTime(text: string): number | undefined {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text) ? Date.parse(`${text}Z`) : undefined;
}
