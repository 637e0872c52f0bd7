import type { Issue } from "../../model/issue.ts";
import { isIssueCode, ISSUE_CODES } from "../codes.ts";

/** The issues as a SARIF 2.1.0 log, which code scanning services read. */
export function toSarif(issues: readonly Issue[], version: string): object {
  const codes = [...new Set(issues.map(({ code }) => code))].toSorted();
  return {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "aexp", version, rules: codes.map(toRule) } },
        columnKind: "utf16CodeUnits",
        results: issues.map((issue) => toResult(issue, codes.indexOf(issue.code))),
      },
    ],
  };
}

function toRule(code: string): object {
  if (!isIssueCode(code)) return { id: code };
  const [severity, summary] = ISSUE_CODES[code];
  return { id: code, shortDescription: { text: summary }, defaultConfiguration: { level: severity } };
}

function toResult({ code, severity, message, path, line }: Issue, ruleIndex: number): object {
  const place =
    path === undefined
      ? {}
      : {
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: toUri(path), uriBaseId: "%SRCROOT%" },
                ...(line === undefined ? {} : { region: { startLine: line } }),
              },
            },
          ],
        };
  return { ruleId: code, ruleIndex, level: severity, message: { text: message }, ...place };
}

function toUri(path: string): string {
  return path
    .split("/")
    .map((part) => encodeURIComponent(part.toWellFormed()))
    .join("/");
}
