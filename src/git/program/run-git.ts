import { spawn } from "node:child_process";
import { statSync } from "node:fs";

import { AexpError, systemErrorCode } from "../../model/errors.ts";

/** Objects and refs survive a power cut as soon as git returns. */
export const DURABLE = ["-c", "core.fsync=objects,reference"] as const;

/** How one git process is run. */
export interface RunOptions {
  /** What git reads on stdin; without it, stdin is closed. */
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are answers; any other is a failure. Only 0 unless said otherwise. */
  readonly answers?: readonly number[];
}

/** What one git process gave. */
export interface GitOutput {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs git in one folder. Exit codes decide; what git says in words is shown to people and never interpreted. */
export class GitRunner {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** @throws {AexpError} `environment.git_missing`, `git.unsafe_directory`, `git.failed` */
  async run(args: readonly string[], options: RunOptions = {}): Promise<GitOutput> {
    const output = await this.#spawn(args, options);
    if ((options.answers ?? [0]).includes(output.exitCode)) return output;
    throw (await this.#isUnsafe(output)) ? unsafeDirectory(this.root) : failure(args, output);
  }

  /** The output as text, without its last line end. */
  async text(args: readonly string[], options?: RunOptions): Promise<string> {
    return (await this.run(args, options)).stdout.toString("utf8").replace(/\n$/, "");
  }

  /** The items of NUL-separated output. */
  async items(args: readonly string[], options?: RunOptions): Promise<readonly string[]> {
    return splitItems((await this.run(args, options)).stdout);
  }

  /** The output as text, or `undefined` when git answers no by exit code 1 or fails by 128. */
  async maybe(args: readonly string[]): Promise<string | undefined> {
    const { exitCode, stdout } = await this.run(args, { answers: [0, 1, 128] });
    return exitCode === 0 ? stdout.toString("utf8").replace(/\n$/, "") : undefined;
  }

  #spawn(args: readonly string[], { input, env }: RunOptions): Promise<GitOutput> {
    return new Promise((resolve, reject) => {
      const child = spawn("git", args, {
        cwd: this.root,
        env: { ...process.env, LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0", ...env },
        stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      });
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
      child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
      // git may end without reading all of it; its exit code says whether that was well.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(input);
      child.on("error", (error) => reject(explainSpawnFailure(error, this.root)));
      child.on("close", (code) => {
        resolve({
          exitCode: code ?? 128,
          stdout: Buffer.concat(stdout),
          stderr: Buffer.concat(stderr).toString("utf8"),
        });
      });
    });
  }

  /**
   * Git refuses a repository that belongs to someone else with the same exit code as any other failure, and no
   * plumbing asks about it. So after a failure it is asked once more for the folder of the repository, and then once
   * with the check turned off for that question: only the refusal makes the two answers differ.
   */
  async #isUnsafe({ exitCode }: GitOutput): Promise<boolean> {
    if (exitCode !== 128) return false;
    const question = ["rev-parse", "--git-dir"];
    if ((await this.#spawn(question, {})).exitCode === 0) return false;
    const trusting = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "safe.directory", GIT_CONFIG_VALUE_0: "*" };
    // Git takes safe.directory from files and the command line scope, where variables count as such.
    return (await this.#spawn(question, { env: trusting })).exitCode === 0;
  }
}

/** The id of the tree without files, whatever hash the repository uses. */
export async function emptyTree(git: GitRunner): Promise<string> {
  return await git.text(["hash-object", "-t", "tree", "-w", "--stdin"], { input: "" });
}

/** The items of NUL-separated bytes. */
export function splitItems(bytes: Uint8Array): readonly string[] {
  const items = Buffer.from(bytes).toString("utf8").split("\0");
  if (items.at(-1) === "") items.pop();
  return items;
}

function explainSpawnFailure(error: Error, root: string): unknown {
  const isFolder = statSync(root, { throwIfNoEntry: false })?.isDirectory() === true;
  if (systemErrorCode(error) !== "ENOENT" || !isFolder) return error;
  return new AexpError("git is not installed, or not on the PATH", {
    code: "environment.git_missing",
    hint: "Install git 2.38 or newer.",
    cause: error,
  });
}

function unsafeDirectory(root: string): AexpError {
  return new AexpError(`git refuses to work in ${JSON.stringify(root)}: the folder belongs to another user`, {
    code: "git.unsafe_directory",
    hint: `If you trust it, run: git config --global --add safe.directory '${root.replaceAll("'", String.raw`'\''`)}'`,
  });
}

function failure(args: readonly string[], { exitCode, stderr }: GitOutput): AexpError {
  const verb = args.find((arg, index) => !arg.startsWith("-") && !["-c", "-C"].includes(args[index - 1] ?? "")) ?? "";
  const said = stderr
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("hint:"));
  const words = said.findLast((line) => /^(?:fatal|error):/.test(line)) ?? said.at(-1) ?? "it said nothing";
  return new AexpError(`git ${verb} failed with exit code ${exitCode}: ${words}`, { code: "git.failed" });
}
