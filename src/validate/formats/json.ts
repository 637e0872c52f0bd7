/** The whole report as one JSON document, as `--json` prints it. */
export function toJsonText(report: object, isTTY: boolean): string {
  return JSON.stringify(report, null, isTTY ? 2 : undefined);
}
