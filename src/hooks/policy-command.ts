import type { PolicySection } from "../config/config.ts";
import { isJsonObject } from "../model/json.ts";
import { wordsOfTexts } from "./hook-command.ts";

/** The root of the repository, as a policy's command has it. */
const ROOT = /\{repo\}(?:\/+|(?=\W|$))/g;

/**
 * Every word of the policies' commands that may be the path of a file of the work tree which they read or execute as it
 * is now. What a policy executes is the code of the run whose output it is fired for, which the user submitted; but with
 * `code`, or where it goes to `{repo}`, it is what lies there when it is fired.
 */
export function wordsOfPolicies(policies: readonly PolicySection[]): readonly string[] {
  return wordsOfTexts(policies.flatMap(({ section }) => presentTextsOf(section)));
}

function presentTextsOf(section: unknown): readonly string[] {
  if (!isJsonObject(section)) return [];
  const texts = textsOf(section["command"]);
  const isOfRun = section["code"] === undefined && texts.every((text) => text.search(ROOT) === -1);
  return isOfRun ? [] : texts.map((text) => text.replaceAll(ROOT, " "));
}

function textsOf(command: unknown): readonly string[] {
  if (typeof command === "string") return [command];
  return Array.isArray(command) ? command.filter((word) => typeof word === "string") : [];
}

/** The command of a policy in one line, for messages. */
export function policyLine({ section }: PolicySection): string {
  const words = isJsonObject(section) ? textsOf(section["command"]) : [];
  const isList = isJsonObject(section) && Array.isArray(section["command"]);
  return words.map((word) => (isList && /\s/.test(word) ? JSON.stringify(word) : word)).join(" ");
}
