import { existsSync, lstatSync, type Stats } from "node:fs";

import type { GitOutput, GitRunner } from "../../git/program/run-git.ts";
import type { BytePath } from "../../model/byte-path.ts";
import { systemErrorCode } from "../../model/errors.ts";
import { isWithin, toPathText } from "./byte-paths.ts";
import { DURABLE_OBJECTS, PLAIN_GIT } from "./git-settings.ts";
import type { IndexFile } from "./index-file.ts";
import { type StagedFile, toStagedFile } from "./staged-file.ts";

/** A work tree, and how git is made to look at it. */
export interface StagingOptions {
  /** Runs at the top of the work tree. */
  readonly git: GitRunner;
  readonly env: Readonly<Record<string, string>>;
  /** Folders below the top whose files do not count. */
  readonly ownFolders: readonly BytePath[];
  readonly index: IndexFile;
  /** More new bytes than this are refused. */
  readonly maxNewBytes: number;
}

/** A repository inside the work tree: a submodule that is cloned, or one that nobody has told git of. */
export interface InnerRepository {
  readonly path: BytePath;
  readonly isNew: boolean;
}

/** Something that a tree cannot hold as it is; looking again does not help. */
export class UnfaithfulError extends Error {}

/** Brings an index of our own to what is on disk. */
export class Staging {
  readonly #options: StagingOptions;

  constructor(options: StagingOptions) {
    this.#options = options;
  }

  /** Pathspecs that leave out what does not count. */
  get exclusions(): readonly string[] {
    const folders = this.#options.ownFolders.map((folder) => `:(exclude,literal)${toPathText(folder)}`);
    return [":(exclude,glob)**/.aexp/**", ...folders];
  }

  /** Stages everything that counts, as it is on disk. @returns the repositories inside, which are not looked into */
  async stageAll(): Promise<readonly InnerRepository[]> {
    await this.#trustNothing();
    const kinds = ["--others", "--modified", "--deleted", "--exclude-standard"];
    const found = await this.#list(kinds, this.exclusions);
    // A repository that git knows nothing of is listed as a folder. `git add` would do in one step what follows, but
    // git 2.39 ends it with 1 when a folder that is left out by a pathspec is ignored as well.
    const unknown = found.filter((path) => path.endsWith("/")).map((path) => path.slice(0, -1));
    const changed = [...new Set(found.filter((path) => !path.endsWith("/")))];
    this.#refuseData(changed);
    const present = changed.filter((path) => this.#isStageable(path));
    const update = ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"];
    await this.remove(changed.filter((path) => !this.#isStageable(path)));
    if (present.length > 0) await this.run([...DURABLE_OBJECTS, ...update], present);
    const staged = await this.staged();
    await this.remove(staged.filter(({ path }) => this.#isOwn(path)).map(({ path }) => path));
    const known = staged.filter(({ mode, path }) => mode === "160000" && !this.#isOwn(path) && this.#isCloned(path));
    return [
      ...known.map(({ path }) => ({ path, isNew: false })),
      ...unknown.filter((path) => !this.#isOwn(path)).map((path) => ({ path, isNew: true })),
    ];
  }

  async staged(): Promise<readonly StagedFile[]> {
    return (await this.#list(["--stage"])).flatMap((line) => toStagedFile(line) ?? []);
  }

  async remove(paths: readonly BytePath[]): Promise<void> {
    if (paths.length > 0) await this.run(["update-index", "--force-remove", "-z", "--stdin"], paths);
  }

  /** Where a file lies, for programs; only right when its name is UTF-8. */
  onDisk(path: BytePath): string {
    return `${this.#options.git.root}/${toPathText(path)}`;
  }

  /** Runs git on the index. @param lines what it reads, NUL behind each */
  async run(args: readonly string[], lines?: readonly string[]): Promise<GitOutput> {
    const { git, env, index } = this.#options;
    const input =
      lines === undefined ? {} : { input: Buffer.from(lines.map((line) => `${line}\0`).join(""), "latin1") };
    return await git.run([...PLAIN_GIT, ...args], { env: { ...env, ...index.env }, ...input });
  }

  /** Makes git look at files that the user told it not to look at, as far as they are there. */
  async #trustNothing(): Promise<void> {
    const listed = await this.#list(["-v"]);
    const trusted = listed.filter((line) => /^[a-z] /.test(line)).map((line) => line.slice(2));
    const skipped = listed.filter((line) => /^[Ss] /.test(line)).map((line) => line.slice(2));
    const present = skipped.filter((path) => this.#look(path) !== undefined);
    for (const [flag, paths] of [
      ["--no-assume-unchanged", trusted],
      ["--no-skip-worktree", present],
    ] as const) {
      if (paths.length > 0) await this.run(["update-index", flag, "-z", "--stdin"], paths);
    }
  }

  #refuseData(paths: readonly BytePath[]): void {
    let total = 0;
    let largest = { path: "", size: 0 };
    for (const path of paths) {
      const size = this.#look(path)?.size ?? 0;
      total += size;
      if (size > largest.size) largest = { path, size };
    }
    if (total <= this.#options.maxNewBytes) return;
    throw new UnfaithfulError(
      `files that are not committed have ${toMebibytes(total)} MiB, ${JSON.stringify(toPathText(largest.path))} alone ` +
        `${toMebibytes(largest.size)} MiB, and git would store them all: let .gitignore name data, or narrow the code by paths`,
    );
  }

  /** A file, or a repository; what was a file and is a folder now only has to go. */
  #isStageable(path: BytePath): boolean {
    const found = this.#look(path);
    return found !== undefined && (!found.isDirectory() || this.#isCloned(path));
  }

  /** `undefined` when there is no such file. */
  #look(path: BytePath): Stats | undefined {
    const bytes = Buffer.concat([Buffer.from(`${this.#options.git.root}/`), Buffer.from(path, "latin1")]);
    try {
      return lstatSync(bytes, { throwIfNoEntry: false });
    } catch (error) {
      if (systemErrorCode(error) === "ENOTDIR") return undefined; // its folder is a file now
      throw error;
    }
  }

  #isOwn(path: BytePath): boolean {
    return /(?:^|\/)\.aexp\//.test(path) || isWithin(path, this.#options.ownFolders);
  }

  #isCloned(path: BytePath): boolean {
    return existsSync(`${this.onDisk(path)}/.git`);
  }

  async #list(options: readonly string[], specs: readonly string[] = []): Promise<readonly string[]> {
    const { stdout } = await this.run(["ls-files", ...options, "-z", "--", ".", ...specs]);
    const items = stdout.toString("latin1").split("\0");
    items.pop();
    return items;
  }
}

function toMebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 ** 2);
}
