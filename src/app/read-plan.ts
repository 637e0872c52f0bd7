import { readFullYaml } from "../kb/full-yaml.ts";
import { AexpError } from "../model/errors.ts";
import { type Plan, type PlanFault, readPlan } from "../queue/plan.ts";

/**
 * Reads the text of a plan file. Numbers keep their kind, so that a plan makes the same job ids on every machine.
 *
 * @param file how messages call the file
 * @throws {AexpError} `plan.invalid`, with the line
 */
export async function parsePlan(
  file: string,
  text: string,
): Promise<{ readonly plan: Plan; readonly lineOf: (index: number) => number | undefined }> {
  const read = await readFullYaml(text, 1, "plan");
  if ("problem" in read) {
    const { line, column, message } = read.problem;
    throw invalid(`${file}:${line}:${column}: ${message}`);
  }
  const { values, lines } = read.fields;
  const outcome = readPlan(values);
  if ("fault" in outcome) {
    const line = await lineAt(text, outcome.fault);
    throw invalid(`${file}${line === undefined ? "" : `:${line}`}: ${outcome.fault.message}`);
  }
  const items = lines.get("runs")?.items ?? [];
  return { plan: outcome.plan, lineOf: (index) => items[index] };
}

/** The line of the value at a path, or of what stands nearest around it. */
async function lineAt(text: string, { path }: PlanFault): Promise<number | undefined> {
  const { default: yaml } = await import("yaml");
  const counter = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: false });
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (yaml.isNode(node) && node.range !== undefined && node.range !== null)
      return counter.linePos(node.range[0]).line;
  }
  return 1;
}

function invalid(message: string): AexpError {
  return new AexpError(`${message}${message.endsWith("?") ? "" : "."} Nothing was queued`, {
    code: "plan.invalid",
    hint: "docs/queue.md shows a plan.",
  });
}
