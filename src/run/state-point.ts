import { AexpError } from "../model/errors.ts";
import { type Exact, type ExactObject, ExactNumber, isExactObject } from "../model/exact-json.ts";
import { checkSignacKeys } from "./signac-keys.ts";

/** The code that a run executes. */
export interface CodeIdentity {
  /** The commit of HEAD; empty outside a commit. */
  readonly commit: string;
  /** Tracked files differ from it, those that aexp itself writes not counted. */
  readonly isDirty: boolean;
}

/** What a state point is built from. */
export interface StatePointParts {
  readonly experimentId?: string | undefined;
  readonly hypothesisId?: string | undefined;
  readonly subHypothesisId?: string | undefined;
  readonly code?: CodeIdentity | undefined;
  /** The parameters of the condition that the user's keys name. */
  readonly condition?: ExactObject | undefined;
  /** The user's own keys. */
  readonly own: ExactObject;
}

/**
 * The state point of a run, keys in the order of their origin, later ones winning: experiment, hypotheses, code, the
 * named condition, and the user's own.
 *
 * @throws {AexpError} `state_point.reserved_key`, `state_point.invalid`
 */
export function buildStatePoint(parts: StatePointParts): ExactObject {
  if (parts.own.has("experiment_id")) {
    throw new AexpError("experiment_id is not yours to set in a state point", {
      code: "state_point.reserved_key",
      hint: "Name the experiment with --experiment.",
    });
  }
  const statePoint = new Map<string, Exact>();
  if (parts.experimentId !== undefined) statePoint.set("experiment_id", parts.experimentId);
  if (parts.hypothesisId !== undefined) statePoint.set("hypothesis_id", parts.hypothesisId);
  if (parts.subHypothesisId !== undefined) statePoint.set("sub_hypothesis_id", parts.subHypothesisId);
  if (parts.code !== undefined) {
    statePoint.set("code_commit", parts.code.commit);
    statePoint.set("code_dirty", parts.code.isDirty);
  }
  for (const [key, value] of [...(parts.condition ?? []), ...parts.own]) statePoint.set(key, value);
  checkSignacKeys(statePoint);
  checkNumbers(statePoint, "");
  return statePoint;
}

/** NaN and infinities have no JSON, so such a run could never have a ledger entry. */
function checkNumbers(value: Exact, path: string): void {
  if (value instanceof ExactNumber) {
    if (Number.isFinite(value.toNumber())) return;
    if (value.kind === "int") return;
    throw new AexpError(`the state point's ${path} is ${value.text}, which JSON cannot write`, {
      code: "state_point.invalid",
      hint: "Give a finite number, a text or null.",
    });
  }
  if (value === null || typeof value !== "object") return;
  const items = isExactObject(value) ? value : value.map((item, index) => [String(index), item] as const);
  for (const [key, item] of items) checkNumbers(item, path === "" ? key : `${path}.${key}`);
}
