import { isJsonObject, type JsonObject } from "../model/json.ts";

declare const brand: unique symbol;

/** The object id of a tree in git: 40 lowercase hex digits, or 64 in a repository that uses SHA-256. */
export type TreeId = string & { readonly [brand]: "TreeId" };

/** Exactly which code a run executes, whether it is committed or not. */
export interface CodeIdentity {
  /** What the work tree held: tracked files as they were on disk, and files that git does not ignore. */
  readonly tree: TreeId;
  /** The only files and folders that count, relative to the root, sorted; absent when all do. */
  readonly paths?: readonly string[];
  /** The commit of HEAD; `undefined` before the first one. */
  readonly commit: string | undefined;
  /** Whether the tree holds anything that the commit does not, or lacks something. */
  readonly dirty: boolean;
}

/** Why the code has no identity. A sentence, and never equal to another: what has none is never the same. */
export interface UnkeyedCode {
  readonly unkeyed: string;
}

/** Whether a text has the form of an object id of git. */
export function isTreeId(text: string): text is TreeId {
  return isObjectId(text);
}

/** Whether a text has the form of an object id of git, so that it can be no option and no other revision. */
export function isObjectId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

export function isUnkeyed(code: CodeIdentity | UnkeyedCode): code is UnkeyedCode {
  return "unkeyed" in code;
}

/** Reads an identity from parsed JSON, wherever that came from; `undefined` for anything else. */
export function parseCodeIdentity(value: unknown): CodeIdentity | undefined {
  if (!isJsonObject(value)) return undefined;
  const { tree, paths, commit, dirty } = value;
  if (typeof tree !== "string" || !isTreeId(tree) || typeof dirty !== "boolean") return undefined;
  if (commit !== undefined && commit !== null && !(typeof commit === "string" && isObjectId(commit))) return undefined;
  if (paths !== undefined && !isPaths(paths)) return undefined;
  return { tree, ...(paths === undefined ? {} : { paths }), commit: commit ?? undefined, dirty };
}

/** The identity as JSON; {@link parseCodeIdentity} reads it. */
export function toCodeIdentityJson({ tree, paths, commit, dirty }: CodeIdentity): JsonObject {
  return { tree, ...(paths === undefined ? {} : { paths }), ...(commit === undefined ? {} : { commit }), dirty };
}

function isPaths(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((path) => typeof path === "string");
}
