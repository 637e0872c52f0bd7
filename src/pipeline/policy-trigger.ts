import { type Exact, ExactNumber, type ExactObject, isExactObject } from "../model/exact-json.ts";
import { didYouMean } from "../model/nearest.ts";
import type { FaultList, FaultPath } from "./fault.ts";
import type { PolicyTrigger } from "./policy.ts";

const TRIGGER_KEYS = ["kind", "pipeline", "stage", "experiment", "every_n"] as const;

/** Reads what a policy listens to: `{kind: checkpoint, stage: train, every_n: 5}`. */
export function readTrigger(
  written: Exact | undefined,
  policy: FaultPath,
  faults: FaultList,
): PolicyTrigger | undefined {
  const path = [...policy, "on"];
  const before = faults.all.length;
  if (written === undefined || !isExactObject(written)) {
    const message =
      written === undefined
        ? `the policy ${JSON.stringify(policy.at(-1))} lacks the key on, which says what it listens to`
        : "on must be a mapping of keys and values, such as {kind: checkpoint}";
    faults.add(written === undefined ? policy : path, message, written === undefined ? "key" : "value");
    return undefined;
  }
  for (const key of written.keys()) {
    if (TRIGGER_KEYS.some((known) => known === key)) continue;
    const guess = didYouMean(key, TRIGGER_KEYS).replace(/\.$/, "");
    faults.add([...path, key], `unknown key ${JSON.stringify(key)}.${guess}`.replace(/\.$/, ""), "key");
  }
  const kind = readText(written, "kind", path, faults);
  const pipeline = readText(written, "pipeline", path, faults);
  const stage = readText(written, "stage", path, faults);
  const experiment = readText(written, "experiment", path, faults);
  const everyN = readCount(written.get("every_n"), [...path, "every_n"], faults);
  if (!written.has("kind")) faults.add(path, "on lacks the key kind: the kind of outputs that it listens to", "key");
  if (experiment !== undefined && !/^E\d{3,}$/.test(experiment)) {
    faults.add([...path, "experiment"], "experiment must be an id like E001");
  }
  if (kind === undefined || faults.all.length > before) return undefined;
  return {
    kind,
    ...(pipeline !== undefined && { pipeline }),
    ...(stage !== undefined && { stage }),
    ...(experiment !== undefined && { experiment }),
    everyN,
  };
}

function readText(section: ExactObject, key: string, path: FaultPath, faults: FaultList): string | undefined {
  const value = section.get(key);
  if (value === undefined) return undefined;
  if (typeof value === "string" && value.trim() !== "") return value;
  faults.add([...path, key], `${key} must be a text`);
  return undefined;
}

function readCount(value: Exact | undefined, path: FaultPath, faults: FaultList): number {
  if (value === undefined) return 1;
  const count = value instanceof ExactNumber && value.kind === "int" ? Number(value.text) : Number.NaN;
  if (Number.isSafeInteger(count) && count >= 1) return count;
  faults.add(path, "every_n must be a whole number of at least 1");
  return 1;
}
