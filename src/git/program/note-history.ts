import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { type Instant, toInstant } from "../../model/clock.ts";
import { systemErrorCode } from "../../model/errors.ts";
import type { FileCommit, FileLog, FileVersion, NoteHistory } from "../note-history.ts";
import { GitRunner } from "./run-git.ts";

/** Settings of the user that change what a log prints are overruled. Merges show what differs from all their parents. */
const LOG = [
  "-c",
  "log.showRoot=true",
  "log",
  "--topo-order",
  "--reverse",
  "--no-show-signature",
  "--encoding=UTF-8",
  "--raw",
  "--no-abbrev",
  "--no-renames",
  "--no-relative",
  "--diff-merges=combined",
  "-z",
  "--format=%H%x00%P%x00%at%x00%aN",
] as const;

/** Asks the git program: one log for all notes, one process for all contents. */
export class GitNoteHistory implements NoteHistory {
  readonly #git: GitRunner;

  constructor(root: string) {
    this.#git = new GitRunner(root);
  }

  async log(folders: readonly string[]): Promise<FileLog> {
    const paths = folders.map((folder) => `:(literal)${folder}`);
    const [items, files, prefix, cuts] = await Promise.all([
      this.#git.items([...LOG, "HEAD", "--", ...paths]),
      this.#git.items(["ls-tree", "-r", "-z", "HEAD", "--", ...folders]),
      this.#git.text(["rev-parse", "--show-prefix"]),
      this.#shallowCommits(),
    ]);
    return { commits: [...parseLog(items, prefix, cuts)], head: parseTree(files) };
  }

  async texts(objects: Iterable<string>): Promise<ReadonlyMap<string, string>> {
    const ids = [...new Set(objects)];
    if (ids.length === 0) return new Map();
    const input = ids.map((id) => `${id}\n`).join("");
    const { stdout } = await this.#git.run(["cat-file", "--batch"], { input });
    return parseContents(stdout);
  }

  /** The commits whose parents a shallow clone lacks. Git itself shows them as if they had none. */
  async #shallowCommits(): Promise<ReadonlySet<string>> {
    const file = resolve(this.#git.root, await this.#git.text(["rev-parse", "--git-path", "shallow"]));
    try {
      return new Set((await readFile(file, "utf8")).split("\n"));
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return new Set();
      throw error;
    }
  }
}

/** A commit is four items; what it changed follows in pairs of a description, which begins with colons, and a path. */
function* parseLog(items: readonly string[], prefix: string, cuts: ReadonlySet<string>): Generator<FileCommit> {
  let commit: (FileCommit & { readonly versions: FileVersion[] }) | undefined;
  for (let index = 0; index < items.length;) {
    const item = (items[index] ?? "").replace(/^\n/, "");
    if (item === "") {
      index += 1;
    } else if (item.startsWith(":")) {
      const version = parseVersion(item, (items[index + 1] ?? "").slice(prefix.length));
      if (version !== undefined) commit?.versions.push(version);
      index += 2;
    } else {
      if (commit !== undefined) yield commit;
      const [parents = "", at = "", author = ""] = items.slice(index + 1, index + 4);
      commit = { commit: item, at: instantOf(at), author, isCut: parents === "" && cuts.has(item), versions: [] };
      index += 4;
    }
  }
  if (commit !== undefined) yield commit;
}

/** `:` for each parent, the modes of parents and commit, their object ids, and letters that these say already. */
function parseVersion(description: string, path: string): FileVersion | undefined {
  const [colons = ""] = /^:+/.exec(description) ?? [];
  const fields = description.slice(colons.length).split(" ");
  const [modes, ids] = [fields.slice(0, colons.length + 1), fields.slice(colons.length + 1, -1)];
  const objects = ids.map((id, index) => (modes[index]?.startsWith("100") === true ? id : undefined));
  const before = objects.slice(0, -1).filter((id) => id !== undefined);
  const after = objects.at(-1);
  // A link, or a folder of another repository, is no note.
  return before.length === 0 && after === undefined ? undefined : { path, before, after };
}

function parseTree(files: readonly string[]): ReadonlyMap<string, string> {
  const head = new Map<string, string>();
  for (const file of files) {
    const [, id, path] = /^100\d{3} blob ([0-9a-f]+)\t(.*)$/s.exec(file) ?? [];
    if (id !== undefined && path !== undefined) head.set(path, id);
  }
  return head;
}

/** Each content follows a line with its id, kind and size; a missing one is such a line alone. */
function parseContents(bytes: Buffer): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (let start = 0; start < bytes.length;) {
    const lineEnd = bytes.indexOf("\n", start);
    if (lineEnd === -1) break;
    const [id = "", kind, size = "0"] = bytes.toString("utf8", start, lineEnd).split(" ");
    start = lineEnd + 1;
    if (kind !== "blob") continue;
    texts.set(id, bytes.toString("utf8", start, start + Number(size)));
    start += Number(size) + 1;
  }
  return texts;
}

const LAST_INSTANT_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

/** A commit may claim any date; one that no file of ours could hold is moved to the nearest that is possible. */
function instantOf(seconds: string): Instant {
  const ms = Number(seconds) * 1000;
  return toInstant(Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LAST_INSTANT_MS) : 0);
}
