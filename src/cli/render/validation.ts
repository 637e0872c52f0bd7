import type { NoteFix } from "../../app/fix-notes.ts";
import type { ValidationReport } from "../../app/validate-repo.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { toGithubLine } from "../../validate/formats/github.ts";
import { toJsonText } from "../../validate/formats/json.ts";
import { toSarif } from "../../validate/formats/sarif.ts";
import { toSummaryLine, toTextLine } from "../../validate/formats/text.ts";
import { VERSION } from "../version.ts";

/** How a validation is printed. */
export const VALIDATION_FORMATS = ["text", "json", "github", "sarif"] as const;
export type ValidationFormat = (typeof VALIDATION_FORMATS)[number];

/** The report in a format; on a terminal, JSON is indented. */
export function renderValidation(report: ValidationReport, format: ValidationFormat, isTTY: boolean): string {
  const { issues, counts, fixed = [] } = report;
  switch (format) {
    case "text":
      return [...fixed.map(toFixLine), ...issues.map(toTextLine), toSummaryLine(counts)].join("\n");
    case "github":
      return [...fixed.map(toFixLine), ...issues.map(toGithubLine), toSummaryLine(counts)].join("\n");
    case "json":
      return toJsonText(report, isTTY);
    case "sarif":
      return toJsonText(toSarif(issues, VERSION), isTTY);
  }
}

function toFixLine({ code, path, message }: NoteFix): string {
  return toSafeLine(`fixed ${code} ${path}: ${message}`);
}
