import type { Issue, Severity } from "../model/issue.ts";
import { ISSUE_CODES, type IssueCode } from "./codes.ts";

/** What a rule says about its subject: a sentence, or a sentence with more. */
export type Report =
  | string
  | {
      readonly message: string;
      /** Where it differs from the code's usual one. */
      readonly severity?: Severity | undefined;
      /** Where it differs from the subject's. */
      readonly path?: string | undefined;
      readonly line?: number | undefined;
      /** Other files that are the reason: who wants to hear about one of them hears this too. */
      readonly concerns?: readonly string[] | undefined;
      readonly detail?: Issue["detail"];
    };

/** A report as an issue. */
export function toIssue(code: IssueCode, report: Report, subjectPath: string | undefined): Issue {
  const { message, severity, path, line, detail } = typeof report === "string" ? { message: report } : report;
  const place = path ?? subjectPath;
  return {
    code,
    severity: severity ?? ISSUE_CODES[code][0],
    message,
    ...(place === undefined ? {} : { path: place }),
    ...(line === undefined ? {} : { line }),
    ...(detail === undefined ? {} : { detail }),
  };
}

/** By path, then code, then line: the order in which issues are told. Issues without a path come first. */
export function compareIssues(a: Issue, b: Issue): number {
  return (
    compareTexts(a.path ?? "", b.path ?? "") ||
    compareTexts(a.code, b.code) ||
    (a.line ?? 0) - (b.line ?? 0) ||
    compareTexts(a.message, b.message)
  );
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
