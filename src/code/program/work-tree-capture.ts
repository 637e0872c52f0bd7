import { posix } from "node:path";

import { type BytePath, fromText } from "../../model/byte-path.ts";
import { AexpError, messageOf } from "../../model/errors.ts";
import { GitRunner } from "../../git/program/run-git.ts";
import { type CodeIdentity, isTreeId, type TreeId, type UnkeyedCode } from "../code-identity.ts";
import type { CaptureOptions } from "../code-store.ts";
import { isWithin, resolvePaths, toPathText } from "./byte-paths.ts";
import { DURABLE_OBJECTS } from "./git-settings.ts";
import { IndexFile } from "./index-file.ts";
import { Staging, UnfaithfulError } from "./staging.ts";
import { findWorkPlace, type WorkPlace } from "./work-place.ts";

/** All that is new is stored among git's objects; more than this is data that somebody forgot to ignore. */
const MAX_NEW_BYTES = 1024 ** 3;
/** Files come and go while git looks at them; then it looks once more. */
const TRIES = 2;

/** What is to be captured. */
export interface CaptureRequest extends CaptureOptions {
  /** Folders below the root that aexp itself writes, with forward slashes. */
  readonly ownFolders: readonly string[];
  /** A gibibyte, unless a test says less. */
  readonly maxNewBytes?: number;
}

/** The identity of the work tree around a root; see `CodeStore.captureCode`. */
export async function captureWorkTree(root: string, request: CaptureRequest): Promise<CodeIdentity | UnkeyedCode> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await captureOnce(await findWorkPlace(new GitRunner(root)), request);
    } catch (error) {
      if (attempt === TRIES || error instanceof UnfaithfulError) return { unkeyed: messageOf(error) };
    }
  }
}

async function captureOnce(place: WorkPlace, request: CaptureRequest): Promise<CodeIdentity> {
  const { top, prefix, gitDir } = place;
  const wanted = toWanted(request.paths, prefix);
  const git = new GitRunner(top);
  const commit = await git.maybe(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
  using index = new IndexFile(gitDir);
  index.copyFrom(place.index);
  const ownFolders = request.ownFolders.map((folder) => fromText(prefix + folder));
  const { maxNewBytes = MAX_NEW_BYTES } = request;
  const staging = new Staging({ git, env: {}, ownFolders, index, maxNewBytes });
  const inner = (await staging.stageAll()).filter(({ path }) => isWithin(path, wanted));
  let dirty = inner.some(({ isNew }) => isNew) || (await differsFrom(commit, staging, wanted));
  for (const { path } of inner) {
    dirty ||= await hasChanges(staging.onDisk(path));
    await graft(staging, path, { gitDir, maxNewBytes });
  }
  const tree = request.paths === undefined ? await writeTree(staging) : await writePart(staging, wanted, place);
  const paths = wanted.map((path) => posix.relative(prefix, toPathText(path)) || ".");
  return { tree, ...(request.paths === undefined ? {} : { paths }), commit, dirty };
}

function toWanted(paths: readonly string[] | undefined, prefix: string): readonly BytePath[] {
  if (paths === undefined) return ["."];
  const resolved = resolvePaths(paths, prefix);
  if ("inside" in resolved) return resolved.inside;
  const shown = JSON.stringify(resolved.outside);
  throw new UnfaithfulError(`the code is narrowed to ${shown}, which lies outside of the repository`);
}

/**
 * Puts the files of a repository inside this one in the place of its link. They become objects of the repository
 * itself, where they are kept with the rest.
 */
async function graft(staging: Staging, path: BytePath, place: InnerPlace): Promise<void> {
  const tree = await captureInner(staging.onDisk(path), place);
  await staging.remove([path]);
  await staging.run(["read-tree", `--prefix=${toPathText(path)}/`, tree]);
}

interface InnerPlace {
  readonly gitDir: string;
  readonly maxNewBytes: number;
}

async function captureInner(top: string, { gitDir, maxNewBytes }: InnerPlace): Promise<TreeId> {
  using index = new IndexFile(gitDir);
  const env = { GIT_DIR: gitDir, GIT_WORK_TREE: top };
  const staging = new Staging({ git: new GitRunner(top), env, ownFolders: [], index, maxNewBytes });
  for (const { path } of await staging.stageAll()) await graft(staging, path, { gitDir, maxNewBytes });
  return await writeTree(staging);
}

async function differsFrom(
  commit: string | undefined,
  staging: Staging,
  wanted: readonly BytePath[],
): Promise<boolean> {
  if (commit === undefined) return (await staging.staged()).some(({ path }) => isWithin(path, wanted));
  const specs = wanted.map((path) => (path === "." ? path : `:(literal)${toPathText(path)}`));
  const question = ["diff-index", "--cached", "--name-only", "-z", "--no-renames", "--ignore-submodules=none", commit];
  return (await staging.run([...question, "--", ...specs, ...staging.exclusions])).stdout.length > 0;
}

/** Whether a submodule differs from its own commit, or has files that it does not ignore. */
async function hasChanges(clone: string): Promise<boolean> {
  const status = ["status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=none"];
  const { exitCode, stdout } = await new GitRunner(clone).run(status, { answers: [0, 128] });
  return exitCode !== 0 || stdout.length > 0;
}

async function writeTree(staging: Staging): Promise<TreeId> {
  const { stdout } = await staging.run([...DURABLE_OBJECTS, "write-tree"]);
  const tree = stdout.toString("latin1").trim();
  if (!isTreeId(tree)) throw new AexpError(`git names a tree ${JSON.stringify(tree)}`, { code: "git.failed" });
  return tree;
}

/** The tree of some files and folders alone. */
async function writePart(staging: Staging, wanted: readonly BytePath[], place: WorkPlace): Promise<TreeId> {
  const staged = await staging.staged();
  const missing = wanted.find((path) => !staged.some((file) => isWithin(file.path, [path])));
  if (missing !== undefined) {
    const shown = JSON.stringify(posix.relative(place.prefix, toPathText(missing)));
    throw new UnfaithfulError(`the code is narrowed to ${shown}, where git knows no file`);
  }
  using index = new IndexFile(place.gitDir);
  const part = new Staging({ git: new GitRunner(place.top), env: {}, ownFolders: [], index, maxNewBytes: 0 });
  const files = staged.filter(({ path }) => isWithin(path, wanted));
  const lines = files.map(({ mode, object, path }) => `${mode} ${object}\t${path}`);
  await part.run(["update-index", "-z", "--index-info"], lines);
  return await writeTree(part);
}
