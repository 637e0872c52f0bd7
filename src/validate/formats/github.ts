import type { Issue } from "../../model/issue.ts";
import { toSafeLine } from "../../model/terminal-text.ts";

/** An issue as a workflow command of GitHub Actions, which shows it beside the line it is about. */
export function toGithubLine({ severity, code, path, line, message }: Issue): string {
  const properties = [
    ...(path === undefined ? [] : [`file=${escapeProperty(path)}`]),
    ...(line === undefined ? [] : [`line=${line}`]),
    `title=${escapeProperty(code)}`,
  ];
  return `::${severity} ${properties.join(",")}::${escapeData(message)}`;
}

/** A line break would end the command, and what follows could start another. */
function escapeData(text: string): string {
  return toSafeLine(text).replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
