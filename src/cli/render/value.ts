import { type Exact, ExactNumber, isExactObject, toPythonJson } from "../../model/exact-json.ts";

/** A parameter as its owner would type it: strings bare, numbers with their own text, the rest as JSON. */
export function renderValue(value: Exact | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  if (value instanceof ExactNumber) return value.text;
  if (value === null || typeof value === "boolean") return String(value);
  return isExactObject(value) && value.size === 0 ? "{}" : toPythonJson(value);
}

/** A measured value in few digits: five significant ones, integers whole. */
export function renderMetric(value: number | boolean | string | undefined): string {
  if (typeof value !== "number") return value === undefined ? "" : String(value);
  if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) < 1e15)) return String(value);
  return String(Number(value.toPrecision(5)));
}

/** A difference with its sign. */
export function renderDelta(value: number): string {
  if (value === 0) return "±0";
  return `${value > 0 ? "+" : "−"}${renderMetric(Math.abs(value))}`;
}

/** 1243 as "1,243". */
export function renderCount(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}
