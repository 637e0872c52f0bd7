import { launch } from "../../src/cli/launch.ts";

/** What a command line printed and how it ended. */
export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Runs a command line in this process, as `bin/aexp.js` would in `cwd`. */
export async function runCli(
  cwd: string,
  argv: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly isTTY?: boolean;
    readonly columns?: number;
  } = {},
): Promise<CliResult> {
  let stdout = "";
  let stderr = "";
  const terminal = { isTTY: options.isTTY ?? false, columns: options.columns ?? 120 };
  const exitCode = await launch(argv, {
    stdout: { ...terminal, write: (data) => (stdout += toText(data)) },
    stderr: { ...terminal, write: (data) => (stderr += toText(data)) },
    env: { ...process.env, ...options.env },
    cwd,
  });
  return { stdout, stderr, exitCode };
}

/** The JSON document that a command line with `--json` printed. */
export async function runCliJson(cwd: string, argv: readonly string[]): Promise<unknown> {
  const { stdout } = await runCli(cwd, [...argv, "--json"]);
  return JSON.parse(stdout);
}

function toText(data: string | Uint8Array): string {
  return typeof data === "string" ? data : Buffer.from(data).toString("utf8");
}
