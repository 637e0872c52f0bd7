import { AexpError } from "../model/errors.ts";

/** The keys and places in lists that lead to a value of a file, from its top. */
export type FaultPath = readonly (string | number)[];

/** What is wrong with a pipeline file, before anybody looked for its line. */
export interface Fault {
  readonly path: FaultPath;
  /** Whether the key at the end of the path is meant, or its value. */
  readonly at: "key" | "value";
  readonly message: string;
}

/** What is wrong with a pipeline file, and where; lines and columns count from 1. */
export interface PipelineFault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Gathers all faults of one file, so that nobody has to find them one by one. */
export class FaultList {
  readonly all: Fault[] = [];

  add(path: FaultPath, message: string, at: Fault["at"] = "value"): void {
    this.all.push({ path, at, message });
  }

  /** What a reader gives, or `undefined` with its error as a fault. Bugs are passed on. */
  attempt<T>(path: FaultPath, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof AexpError)) throw error;
      this.add(path, toText(error));
      return undefined;
    }
  }
}

/** Their hints tell how to write it on a command line (`--sp-json`), which is not how a file says it. */
const HINTS_OF_FLAGS: readonly AexpError["code"][] = [
  "state_point.invalid",
  "state_point.reserved_key",
  "sweep.invalid",
];

/** The message with its hint, in one line that ends like other faults do, without a full stop. */
function toText({ message, hint, code }: AexpError): string {
  if (hint === undefined || HINTS_OF_FLAGS.includes(code)) return message;
  return `${message}${/[.?]$/.test(message) ? "" : "."} ${hint.replace(/\.$/, "")}`;
}

/**
 * Faults with their places, by line and column, and each once: what stages share by an alias is wrong for all of them.
 *
 * @param places where each of them is
 */
export function locateFaults(
  file: string,
  faults: readonly Fault[],
  places: readonly { readonly line: number; readonly column: number }[],
): readonly PipelineFault[] {
  const located = faults.map(({ message }, index): PipelineFault => ({
    file,
    line: 1,
    column: 1,
    ...places[index],
    message,
  }));
  const byText = new Map(located.map((fault) => [renderFault(fault), fault]));
  return [...byText.values()].toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** More faults than these are only counted. */
const MAX_SHOWN = 20;

/** `pipeline.yaml:3:9: unknown key "neds". Did you mean "needs"?` */
export function renderFault({ file, line, column, message }: PipelineFault): string {
  return `${file}:${line}:${column}: ${message}`;
}

/** The error of a file that has faults, a line for each. */
export function toPipelineError(faults: readonly PipelineFault[]): AexpError {
  const rest = faults.length - MAX_SHOWN;
  const lines = [
    ...faults.slice(0, MAX_SHOWN).map(renderFault),
    ...(rest > 0 ? [`and ${rest} more`] : []),
    "Nothing was queued",
  ];
  return new AexpError(lines.join("\n"), {
    code: "pipeline.invalid",
    hint: "docs/pipelines.md shows a pipeline file.",
  });
}
