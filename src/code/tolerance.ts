import { AexpError } from "../model/errors.ts";

/** How far a metric may lie from what was recorded and still count as the same result. */
export type Tolerance =
  | { readonly kind: "absolute"; readonly by: number }
  /** A part of the recorded value: 0.05 for 5 %. */
  | { readonly kind: "relative"; readonly by: number }
  /** Whatever it is, such as a time that was measured. */
  | { readonly kind: "any" };

/** Tolerances by metric, and that of all others. */
export interface Tolerances {
  readonly byMetric: ReadonlyMap<string, Tolerance>;
  readonly ofOthers: Tolerance | undefined;
}

/**
 * Reads `loss=1e-6`, `accuracy=5%`, `seconds=any`, and `1e-6` without a name for all metrics that have none of their own.
 *
 * @throws {AexpError} `cli.usage`
 */
export function parseTolerances(texts: readonly string[]): Tolerances {
  const byMetric = new Map<string, Tolerance>();
  let ofOthers: Tolerance | undefined;
  for (const text of texts) {
    const equals = text.lastIndexOf("=");
    const tolerance = parseTolerance(text.slice(equals + 1).trim(), text);
    if (equals === -1) ofOthers = tolerance;
    else byMetric.set(text.slice(0, equals).trim(), tolerance);
  }
  return { byMetric, ofOthers };
}

/** Whether a value is close enough. */
export function tolerates(tolerance: Tolerance | undefined, recorded: number, reproduced: number): boolean {
  switch (tolerance?.kind) {
    case undefined:
      return recorded === reproduced;
    case "any":
      return true;
    case "absolute":
      return Math.abs(recorded - reproduced) <= tolerance.by;
    case "relative":
      return Math.abs(recorded - reproduced) <= tolerance.by * Math.abs(recorded);
  }
}

/** As {@link parseTolerances} reads it. */
export function toToleranceText(tolerance: Tolerance): string {
  switch (tolerance.kind) {
    case "any":
      return "any";
    case "absolute":
      return String(tolerance.by);
    case "relative":
      return `${Number((tolerance.by * 100).toPrecision(12))}%`;
  }
}

function parseTolerance(value: string, text: string): Tolerance {
  if (value === "any") return { kind: "any" };
  const [, digits, percent] = /^(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)\s*(%?)$/.exec(value) ?? [];
  const by = Number(digits);
  if (digits === undefined || !Number.isFinite(by)) {
    throw new AexpError(
      `--tolerance ${JSON.stringify(text)} is no tolerance: expected a number, a percentage or "any"`,
      {
        code: "cli.usage",
        hint: "Write it like --tolerance loss=1e-6, --tolerance accuracy=5% or --tolerance seconds=any.",
      },
    );
  }
  return percent === "%" ? { kind: "relative", by: by / 100 } : { kind: "absolute", by };
}
