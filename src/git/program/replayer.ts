import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AexpError } from "../../model/errors.ts";
import type { MergeEntry, Replay } from "../branch.ts";
import { isEntryPath } from "../shared-paths.ts";
import { DURABLE, emptyTree, type GitRunner, splitItems } from "./run-git.ts";

/** A commit as it is made again. */
interface Original {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Readonly<Record<string, string>>;
  readonly message: string;
}

/** A tree, or the files that could not be merged. */
type Merged = { readonly tree: string } | { readonly files: readonly string[] };

/**
 * Rebases without a work tree: each commit is merged and written among git's objects, nothing else changes. Entries
 * that both sides changed are always merged by us, so a clone without the merge driver gives the same result.
 */
export class Replayer {
  readonly #git: GitRunner;
  /** Where the root lies in the work tree, e.g. `sub/`; mostly empty. */
  readonly #prefix: string;
  /** The top of the work tree. */
  readonly #top: string;
  readonly #mergeEntry: MergeEntry;

  constructor(git: GitRunner, place: { readonly prefix: string; readonly top: string }, mergeEntry: MergeEntry) {
    this.#git = git;
    this.#prefix = place.prefix;
    this.#top = place.top;
    this.#mergeEntry = mergeEntry;
  }

  async replay(head: string, onto: string): Promise<Replay> {
    const range = [`${onto}..${head}`];
    const merges = await this.#git.text(["rev-list", "--count", "--merges", ...range]);
    // A merge cannot be made again one side at a time without losing how its conflicts were solved.
    if (merges !== "0") return await this.#mergeBranches(head, onto);
    const commits = await this.#git.text(["rev-list", "--reverse", "--topo-order", ...range]);
    let tip = onto;
    for (const commit of commits.split("\n").filter((line) => line !== "")) {
      const step = await this.#replayOne(commit, tip);
      if (step.kind === "conflict") return step;
      tip = step.commit;
    }
    return { kind: "replayed", commit: tip };
  }

  async #replayOne(commit: string, onto: string): Promise<Replay> {
    const original = await this.#read(commit);
    const [parent] = original.parents;
    if (parent === undefined) await this.#refuseShallow();
    const base = parent === undefined ? await emptyTree(this.#git) : await this.#treeOf(parent);
    const target = await this.#treeOf(onto);
    const merged = await this.#mergeTrees(base, target, original.tree);
    if ("files" in merged) return { kind: "conflict", files: merged.files };
    // The upstream has it already: a sync that was killed after its push, or the same change made elsewhere.
    if (merged.tree === target && original.tree !== base) return { kind: "replayed", commit: onto };
    return { kind: "replayed", commit: await this.#write(merged.tree, [onto], original) };
  }

  async #mergeBranches(head: string, onto: string): Promise<Replay> {
    const base = await this.#git.maybe(["merge-base", head, onto]);
    if (base === undefined) await this.#refuseShallow();
    const baseTree = base === undefined ? await emptyTree(this.#git) : await this.#treeOf(base);
    const merged = await this.#mergeTrees(baseTree, await this.#treeOf(onto), await this.#treeOf(head));
    if ("files" in merged) return { kind: "conflict", files: merged.files };
    const message = "aexp sync: merge the upstream branch\n";
    return { kind: "replayed", commit: await this.#write(merged.tree, [head, onto], { author: {}, message }) };
  }

  /** A merge of trees by git itself, renames and all: three passing commits say what is base and what are the sides. */
  async #mergeTrees(base: string, ours: string, theirs: string): Promise<Merged> {
    if (ours === base) return { tree: theirs };
    if (theirs === base || theirs === ours) return { tree: ours };
    const root = await this.#passingCommit(base, []);
    const sides = [await this.#passingCommit(ours, [root]), await this.#passingCommit(theirs, [root])];
    // From the top, because git names the files in conflict relative to where it runs.
    const command = ["-C", this.#top, ...DURABLE, "-c", "merge.aexp-ledger.driver=false", "merge-tree"];
    const options = ["--write-tree", "--name-only", "--no-messages", "-z"];
    const { stdout } = await this.#git.run([...command, ...options, ...sides], { answers: [0, 1] });
    const [tree = "", ...conflicts] = splitItems(stdout);
    return await this.#settleEntries({ tree, conflicts: new Set(conflicts), base, ours, theirs });
  }

  /** Replaces every entry that both sides changed by our own merge of the two, whatever git made of it. */
  async #settleEntries(merge: {
    tree: string;
    conflicts: ReadonlySet<string>;
    base: string;
    ours: string;
    theirs: string;
  }): Promise<Merged> {
    const [left, right] = [
      await this.#entriesOf(merge.base, merge.ours),
      await this.#entriesOf(merge.base, merge.theirs),
    ];
    const open = new Set(merge.conflicts);
    const lines: string[] = [];
    for (const [path, ours] of left) {
      const theirs = right.get(path);
      if (theirs === undefined || theirs === ours) continue;
      const blob = await this.#mergeBlobs(path.slice(this.#prefix.length), ours, theirs);
      if (blob === undefined) continue;
      open.delete(path);
      lines.push(`100644 ${blob}\t${path}\0`);
    }
    if (open.size > 0) return { files: [...open].map((path) => this.#relative(path)) };
    if (lines.length === 0) return { tree: merge.tree };
    return { tree: await this.#patchTree(merge.tree, lines) };
  }

  /** The entries that a side changed: path in the work tree, and blob; an empty blob name when it was removed. */
  async #entriesOf(base: string, side: string): Promise<ReadonlyMap<string, string>> {
    const folder = `:(top,literal)${this.#prefix}.aexp/ledger`;
    const items = await this.#git.items(["diff-tree", "-r", "--no-renames", "-z", base, side, "--", folder]);
    const entries = new Map<string, string>();
    for (let index = 0; index + 1 < items.length; index += 2) {
      const [, , , blob = "", kind] = (items[index] ?? "").split(" ");
      const path = items[index + 1] ?? "";
      if (isEntryPath(path.slice(this.#prefix.length))) entries.set(path, kind === "D" ? "" : blob);
    }
    return entries;
  }

  /** An entry that one side removed and the other changed is kept. */
  async #mergeBlobs(path: string, ours: string, theirs: string): Promise<string | undefined> {
    if (ours === "" || theirs === "") return ours || theirs;
    const [a, b] = await Promise.all([this.#blob(ours), this.#blob(theirs)]);
    const text = this.#mergeEntry(path, a, b);
    if (text === undefined) return undefined;
    return await this.#git.text([...DURABLE, "hash-object", "-w", "--stdin"], { input: text });
  }

  async #patchTree(tree: string, lines: readonly string[]): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "aexp-index-"));
    const env = { GIT_INDEX_FILE: join(folder, "index") };
    try {
      await this.#git.run(["read-tree", tree], { env });
      await this.#git.run(["update-index", "-z", "--index-info"], { env, input: lines.join("") });
      return await this.#git.text([...DURABLE, "write-tree"], { env });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #read(commit: string): Promise<Original> {
    const format = "--format=%T%x00%P%x00%an%x00%ae%x00%ad%x00%B";
    const text = await this.#git.text([
      "log",
      "-1",
      "--no-show-signature",
      "--encoding=UTF-8",
      "--date=raw",
      format,
      commit,
    ]);
    const [tree = "", parents = "", name = "", email = "", date = "", ...message] = text.split("\0");
    return {
      tree,
      parents: parents.split(" ").filter((parent) => parent !== ""),
      author: { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_AUTHOR_DATE: date },
      message: message.join("\0"),
    };
  }

  async #write(
    tree: string,
    parents: readonly string[],
    { author, message }: Pick<Original, "author" | "message">,
  ): Promise<string> {
    const isSigned = (await this.#git.maybe(["config", "--type=bool", "--get", "commit.gpgsign"])) === "true";
    const options = [...(isSigned ? ["-S"] : []), ...parents.flatMap((parent) => ["-p", parent])];
    return await this.#git.text([...DURABLE, "commit-tree", ...options, tree], { env: author, input: message });
  }

  async #passingCommit(tree: string, parents: readonly string[]): Promise<string> {
    const options = parents.flatMap((parent) => ["-p", parent]);
    return await this.#git.text(["commit-tree", ...options, tree], { input: "", env: PASSING });
  }

  async #treeOf(commit: string): Promise<string> {
    return await this.#git.text(["rev-parse", "--verify", `${commit}^{tree}`]);
  }

  async #blob(id: string): Promise<string> {
    return (await this.#git.run(["cat-file", "blob", id])).stdout.toString("utf8");
  }

  /** In a shallow clone a commit may only look as if nothing came before it. */
  async #refuseShallow(): Promise<void> {
    if ((await this.#git.text(["rev-parse", "--is-shallow-repository"])) !== "true") return;
    throw new AexpError("this clone is too shallow: it lacks the commit where its branch left the upstream", {
      code: "git.failed",
      hint: "Run `git fetch --deepen=100`, or `git fetch --unshallow`, then `aexp sync` again.",
    });
  }

  #relative(path: string): string {
    return path.startsWith(this.#prefix) ? path.slice(this.#prefix.length) : path;
  }
}

/** The same commit every time, so that retries do not pile up objects. */
const PASSING = {
  GIT_AUTHOR_NAME: "aexp",
  GIT_AUTHOR_EMAIL: "aexp@localhost",
  GIT_AUTHOR_DATE: "1000000000 +0000",
  GIT_COMMITTER_NAME: "aexp",
  GIT_COMMITTER_EMAIL: "aexp@localhost",
  GIT_COMMITTER_DATE: "1000000000 +0000",
};
