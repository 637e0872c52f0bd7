import { type Exact, type ExactObject, isExactObject, toPythonJson } from "../model/exact-json.ts";

/** Keys of a state point that link a run or name its code: they differ without being what the experiment varies. */
const PROVENANCE_KEYS = new Set(["experiment_id", "hypothesis_id", "sub_hypothesis_id", "code_commit", "code_dirty"]);

/** Everything that was chosen for the run, with its nesting. */
export function withoutProvenance(statePoint: ExactObject): ExactObject {
  return new Map([...statePoint].filter(([key]) => !PROVENANCE_KEYS.has(key)));
}

/** The leaves of a state point by dotted key, as signac names them: `model.layers`. Lists and `{}` are leaves. */
export function flattenParameters(statePoint: ExactObject): ReadonlyMap<string, Exact> {
  const flat = new Map<string, Exact>();
  addLeaves(flat, statePoint, "");
  return flat;
}

function addLeaves(flat: Map<string, Exact>, object: ExactObject, prefix: string): void {
  for (const [key, value] of object) {
    if (isExactObject(value) && value.size > 0) addLeaves(flat, value, `${prefix}${key}.`);
    else flat.set(prefix + key, value);
  }
}

/** What was chosen for the run: its flat parameters without those that only say where it belongs. */
export function chosenParameters(statePoint: ExactObject): ReadonlyMap<string, Exact> {
  const flat = new Map(flattenParameters(statePoint));
  for (const key of PROVENANCE_KEYS) flat.delete(key);
  return flat;
}

/** The same for a list, in which the id of a pipeline's submission, and most of what triggered a run, would only take room. */
export function listedParameters(statePoint: ExactObject): ReadonlyMap<string, Exact> {
  const flat = new Map(chosenParameters(statePoint));
  if (!statePoint.has("pipeline") || !statePoint.has("stage")) return flat;
  flat.delete("group");
  for (const key of flat.keys()) if (key.startsWith("triggered_by.") && key !== "triggered_by.item") flat.delete(key);
  return flat;
}

/** The value under a dotted key. */
export function parameterAt(statePoint: ExactObject, key: string): Exact | undefined {
  const whole = statePoint.get(key);
  if (whole !== undefined) return whole;
  const dot = key.indexOf(".");
  const inner = dot === -1 ? undefined : statePoint.get(key.slice(0, dot));
  return isExactObject(inner) ? parameterAt(inner, key.slice(dot + 1)) : undefined;
}

/** The keys, in order of appearance, that have not one and the same value everywhere; a missing key is a value. */
export function varyingKeys(all: readonly ReadonlyMap<string, Exact>[]): readonly string[] {
  const seen = new Map<string, { text: string; count: number; varies: boolean }>();
  for (const parameters of all) {
    for (const [key, value] of parameters) {
      const text = toPythonJson(value, { sortKeys: true });
      const entry = seen.get(key);
      if (entry === undefined) seen.set(key, { text, count: 1, varies: false });
      else {
        entry.count += 1;
        entry.varies ||= entry.text !== text;
      }
    }
  }
  return [...seen].flatMap(([key, { count, varies }]) => (varies || count < all.length ? [key] : []));
}
