import { messageOf } from "../model/errors.ts";
import type { Issue } from "../model/issue.ts";
import type { IssueCode } from "./codes.ts";
import { compareIssues, type Report, toIssue } from "./report.ts";

/** A check that threw: told once, however many subjects it failed on. */
interface Failure {
  readonly message: string;
  readonly path: string | undefined;
  count: number;
}

/** Gathers what the checks report. A check that fails becomes an issue of its own, and the others go on. */
export class Collector {
  readonly #issues: Issue[] = [];
  readonly #failures = new Map<string, Failure>();
  readonly #isSelected: (path: string) => boolean;

  constructor(isSelected: (path: string) => boolean) {
    this.#isSelected = isSelected;
  }

  add(code: IssueCode, report: Report | undefined, subjectPath?: string): void {
    if (report === undefined) return;
    const issue = toIssue(code, report, subjectPath);
    const { concerns = [] } = typeof report === "string" ? {} : report;
    if (issue.path === undefined || [issue.path, ...concerns].some(this.#isSelected)) this.#issues.push(issue);
  }

  /** Runs one check on one subject. */
  ask(code: IssueCode, check: () => Report | undefined, subjectPath?: string): void {
    try {
      this.add(code, check(), subjectPath);
    } catch (error) {
      this.fail(`the check ${code}`, error, subjectPath);
    }
  }

  /** Runs a check that may report several things. */
  askAll(code: IssueCode, check: () => Iterable<Report>, subjectPath?: string): void {
    try {
      for (const report of check()) this.add(code, report, subjectPath);
    } catch (error) {
      this.fail(`the check ${code}`, error, subjectPath);
    }
  }

  /** Takes note that something could not be done. */
  fail(what: string, error: unknown, path?: string): void {
    const known = this.#failures.get(what);
    if (known === undefined) this.#failures.set(what, { message: messageOf(error), path, count: 1 });
    else known.count += 1;
  }

  /** Everything that was reported, in order. */
  finish(): readonly Issue[] {
    const failures = [...this.#failures].map(([what, { message, path, count }]) => {
      const others = count === 1 ? "" : ` (and ${count - 1} more times)`;
      return toIssue("validate.check_failed", `${what} failed: ${message}${others}`, path);
    });
    return [...this.#issues, ...failures].toSorted(compareIssues);
  }
}
