import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, resolve } from "node:path";

import { messageOf } from "../../../model/errors.ts";
import type { AttemptSpec } from "../../executor.ts";
import type { AttemptFolder } from "../attempt-folder.ts";
import type { Supervision } from "../attempt-records.ts";
import { type Launch, requirePipes } from "../launch.ts";

/**
 * What a shell executes before the command: it waits for a line, so that the process is on record before the command
 * begins. When the supervisor dies first, the line never comes and the command never begins. The command itself has
 * nothing to read.
 */
const GATE = "read -r _||exit 125;exec </dev/null;";
const SHELL = "/bin/sh";
/** A variable that dash and others drop, because no shell could name it; bash passes it on. */
const UNSPEAKABLE = /[^A-Za-z0-9_]|^\d/;
/** Why an attempt does not begin that another process has settled or started, or that its worker took back. */
export const GIVEN_UP = "the attempt was given up before it began";
const BASHES = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"];

/**
 * Starts a program that begins only once it is on record in the attempt's folder.
 *
 * @param mayBegin - with false, or when it fails, the program never begins
 */
export function launchThroughGate(
  folder: AttemptFolder,
  watchers: Pick<Supervision, "supervisor" | "worker" | "graceMs">,
  mayBegin = Promise.resolve(true),
): Launch {
  let isGivenUp = false;
  return {
    spawn(spec) {
      const { program, args } = toGated(spec);
      const { cwd, env } = spec;
      const child = requirePipes(spawn(program, args, { cwd, env, detached: true, stdio: ["pipe", "pipe", "pipe"] }));
      // A gate that is gone needs no line.
      child.stdin?.on("error", () => undefined);
      return child;
    },
    async record(child, program) {
      try {
        isGivenUp = !(await mayBegin) || !folder.take({ ...watchers, program });
      } catch (error) {
        child.stdin?.destroy();
        return `it could not be recorded: ${messageOf(error)}`;
      }
      if (isGivenUp) child.stdin?.destroy();
      else child.stdin?.end("\n");
      return isGivenUp ? GIVEN_UP : undefined;
    },
    isStopAsked: () => folder.isStopAsked(),
    async keepEnd(end) {
      // An attempt that never began has no end, and whoever finds it decides what it comes to.
      if (isGivenUp) return;
      // Flushing would take longer than many a command; after a power cut the attempt counts as lost.
      await folder.writeEnd(end, "later");
    },
  };
}

/** The command behind a gate. A line for `sh` is executed by the shell that is the gate. */
function toGated(spec: AttemptSpec): { readonly program: string; readonly args: readonly string[] } {
  const [program = "", flag, line, ...more] = spec.argv;
  if ((program === "sh" || program === SHELL) && flag === "-c" && line !== undefined && more.length === 0)
    return { program, args: ["-c", GATE + line] };
  const found = findProgram(program, spec);
  const { shell, flags } = toShell(spec.env);
  return { program: shell, args: [...flags, "-c", `${GATE}exec "$@"`, "aexp", found, ...spec.argv.slice(1)] };
}

/** Privileged bash reads no start-up files and takes no functions from its environment. */
function toShell(env: AttemptSpec["env"]): { readonly shell: string; readonly flags: readonly string[] } {
  const hasUnspeakable = Object.keys(env).some((name) => env[name] !== undefined && UNSPEAKABLE.test(name));
  const bash = hasUnspeakable ? BASHES.find((path) => existsSync(path)) : undefined;
  return bash === undefined ? { shell: SHELL, flags: [] } : { shell: bash, flags: ["-p"] };
}

/**
 * The program as the shell is to look for it. What is not there fails here, with the error that starting it would give,
 * and not as an exit code of the shell.
 */
function findProgram(program: string, { cwd, env }: AttemptSpec): string {
  if (program.includes("/")) {
    const path = resolve(cwd, program);
    accessSync(path, constants.X_OK);
    if (statSync(path).isDirectory()) throw Object.assign(new Error("spawn EACCES"), { code: "EACCES" });
    return program;
  }
  // A name like an option would be taken for one. Any other the shell looks up itself, and here it only matters that it
  // is somewhere: where it was found last, most often, and not in a dozen folders before that.
  const path = env["PATH"] ?? "/usr/bin:/bin";
  const key = [program, cwd, path].join("\0");
  const known = program.startsWith("-") ? undefined : foundLast.get(key);
  if (known !== undefined && isExecutable(known)) return program;
  const found = path
    .split(delimiter)
    .map((folder) => resolve(cwd, folder, program))
    .find(isExecutable);
  if (found === undefined || program === "") throw Object.assign(new Error("spawn ENOENT"), { code: "ENOENT" });
  if (program.startsWith("-")) return found;
  if (foundLast.size >= MOST_FOUND) foundLast.clear();
  foundLast.set(key, found);
  return program;
}

const MOST_FOUND = 100;
/** Where programs were found, by name, folder and search path. */
const foundLast = new Map<string, string>();

function isExecutable(path: string): boolean {
  // Of a dozen folders one has it: an exception for each of the others would take longer than all else here.
  if (!existsSync(path)) return false;
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // not there, or not for us
  }
}
