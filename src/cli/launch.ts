import { didYouMean } from "../model/nearest.ts";
import { AexpError } from "../model/errors.ts";
import { CliConfig } from "./cli-config.ts";
import { ALIASES, COMMANDS } from "./command-table.ts";
import type { CommandModule } from "./command-module.ts";
import type { CliIo } from "./io.ts";
import { renderError, toReportedError } from "./report-error.ts";

/**
 * Runs one command line.
 *
 * @returns the exit code; every failure has been told to the user by then
 */
export async function launch(argv: readonly string[], io: CliIo): Promise<number> {
  try {
    if (wantsHelp(argv)) return await showHelp(argv);
    const [first] = argv;
    const words = first === "--version" || first === "-v" ? ["version", ...argv.slice(1)] : argv;
    const found = findCommand(words);
    if (found === undefined) {
      if (isTopic(words)) return await showHelp(words);
      throw unknownCommand(words);
    }
    const { default: CommandClass } = await found.load();
    CommandClass.id = found.id;
    return await new CommandClass([...found.rest], new CliConfig(io)).execute();
  } catch (error) {
    const reported = toReportedError(error);
    const { exitCode, ...json } = reported;
    if (argv.includes("--json")) io.stdout.write(`${JSON.stringify({ error: json })}\n`);
    else io.stderr.write(renderError(reported));
    if (reported.code === "bug" && error instanceof Error) io.stderr.write(`${error.stack ?? ""}\n`);
    return exitCode;
  }
}

function wantsHelp(argv: readonly string[]): boolean {
  if (argv.length === 0 || argv[0] === "help") return true;
  const end = argv.indexOf("--");
  return (end === -1 ? argv : argv.slice(0, end)).some((word) => word === "--help" || word === "-h");
}

interface FoundCommand {
  readonly id: string;
  readonly load: () => Promise<CommandModule>;
  readonly rest: readonly string[];
}

/** The command with the most leading words; words may also be joined by a colon, as in oclif's own ids. */
function findCommand(argv: readonly string[]): FoundCommand | undefined {
  const [first = "", ...others] = argv;
  const words = [...first.split(":"), ...others];
  for (let count = 3; count > 0; count -= 1) {
    const name = words.slice(0, count).join(" ");
    const id = ALIASES[name] ?? name;
    const load = Object.hasOwn(COMMANDS, id) ? COMMANDS[id] : undefined;
    if (load !== undefined) return { id, load, rest: words.slice(count) };
  }
  return undefined;
}

function isTopic(words: readonly string[]): boolean {
  const [topic = ""] = words;
  return words.length === 1 && Object.keys(COMMANDS).some((id) => id.startsWith(`${topic} `));
}

function unknownCommand(words: readonly string[]): AexpError {
  const known = [...Object.keys(COMMANDS), ...Object.keys(ALIASES)];
  const [topic = ""] = words;
  const plain = words.slice(0, words.findIndex((word) => word.startsWith("-")) >>> 0);
  const isKnownTopic = known.some((id) => id.startsWith(`${topic} `));
  const typed = plain.slice(0, isKnownTopic ? 2 : 1).join(" ");
  return new AexpError(`${JSON.stringify(typed || topic)} is not a command of aexp.${didYouMean(typed, known)}`, {
    code: "cli.unknown_command",
    hint: "`aexp help` lists the commands.",
  });
}

async function showHelp(argv: readonly string[]): Promise<number> {
  const { printHelp } = await import("./help.ts");
  return await printHelp(argv.filter((word) => word !== "help" && word !== "--help" && word !== "-h"));
}
