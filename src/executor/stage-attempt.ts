import { isJsonObject } from "../model/json.ts";
import { type OutputDeclaration, outputPathProblem } from "../output/declaration.ts";
import type { StageAttempt } from "./executor.ts";

/** Whether a value of another process is what the attempt of a stage needs. */
export function isStageAttempt(value: unknown): value is StageAttempt {
  if (!isJsonObject(value)) return false;
  const { outputs, files } = value;
  return (
    Array.isArray(outputs) && outputs.every(isOutputDeclaration) && Array.isArray(files) && files.every(isNamedText)
  );
}

function isOutputDeclaration(value: unknown): value is OutputDeclaration {
  return (
    isJsonObject(value) &&
    typeof value["name"] === "string" &&
    typeof value["path"] === "string" &&
    outputPathProblem(value["path"]) === undefined &&
    typeof value["kind"] === "string" &&
    (value["marker"] === undefined || typeof value["marker"] === "string") &&
    typeof value["stream"] === "boolean" &&
    (value["hash"] === "content" || value["hash"] === "stat")
  );
}

/** A file of the attempt's own folder, and of no other. */
function isNamedText(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { name, text } = value;
  return (
    typeof name === "string" && outputPathProblem(name) === undefined && !name.includes("/") && typeof text === "string"
  );
}
