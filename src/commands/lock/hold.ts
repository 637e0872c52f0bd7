import * as Flags from "@oclif/core/flags";
import { randomUUID } from "node:crypto";

import { readTimeMs } from "../../app/environment-time.ts";
import { holdLock } from "../../app/hold-lock.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { KEY_ARG, toKey, toNote, toTtlMs, toWaitMs, WAIT_FLAG } from "../../cli/lock-flags.ts";
import { splitAtDashes } from "../../cli/split-argv.ts";
import { withStopSignals } from "../../cli/stop-signals.ts";
import { type CommandEnd, type RunningCommand, toCommandExitCode } from "../../executor/command.ts";
import { AexpError } from "../../model/errors.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { describeHolder } from "../../queue/describe-lock.ts";
import { openCommands } from "../../wiring/open-commands.ts";
import { openQueue } from "../../wiring/open-queue.ts";

/** A command under a lock, as `--json` prints it. */
interface HoldJson {
  readonly key: string;
  /** `null` when it was told to end before it had the lock. */
  readonly fence: number | null;
  readonly waited_s: number | null;
  readonly exit_code: number;
}

export default class LockHold extends BaseCommand {
  static override summary = "Execute a command while nobody else holds a resource.";
  static override description =
    "Runs that were queued with the same --resource wait meanwhile. The lock is renewed until nothing of the command is " +
    "left. Its exit code is aexp's; 75 says that the lock was not to be had, or that it was lost and the command was " +
    "ended. AEXP_LOCK_FENCE is a number that rises with every holder of the key.";
  static override examples = [
    "<%= config.bin %> lock hold ./data/index.db -- python3 compact.py",
    "<%= config.bin %> lock hold gpu-0 --wait 10m -- nvidia-smi --gpu-reset",
  ];
  static override usage = "lock hold KEY [FLAGS] -- COMMAND…";
  static override strict = false;
  static override args = { key: KEY_ARG };
  static override flags = {
    wait: WAIT_FLAG,
    ttl: Flags.string({
      summary: "When aexp itself is killed, others get the lock after this time.",
      helpValue: "DURATION",
      default: "30s",
    }),
  };

  override async run(): Promise<HoldJson> {
    const { own, command } = splitAtDashes(this.argv);
    const { args, argv, flags } = await this.parse(LockHold, own);
    const [, ...strays] = argv.map(String);
    if (command.length === 0 || strays.length > 0) throw missingCommand(args.key, strays);
    const [waitMs, ttlMs] = [toWaitMs(flags.wait), toTtlMs(flags.ttl)];
    const graceMs = readTimeMs(this.io.env, "AEXP_GRACE_S");
    const repo = this.openRepo(flags);
    const key = toKey(repo, args.key, this.io.cwd);
    await using store = await openQueue(repo);
    const stop = new Stop(graceMs);
    const done = await withStopSignals(async (onStart) => {
      onStart(stop);
      return await holdLock(
        { store, clock: repo.clock, warn: repo.warn },
        {
          key,
          holder: randomUUID(),
          note: toNote(`pid ${process.pid}, ${toSafeLine(command.join(" "))}`),
          ttlMs,
          waitMs,
          graceMs,
          signal: stop.signal,
          onWait: (by) => this.io.stderr.write(`${toSafeLine(`waiting for ${key}, held by ${describeHolder(by)}`)}\n`),
        },
        (fence) =>
          stop.watch(
            openCommands()({
              argv: command,
              cwd: this.io.cwd,
              env: { ...this.io.env, AEXP_LOCK_KEY: key, AEXP_LOCK_FENCE: String(fence) },
              streams: this.jsonEnabled() ? "on_stderr" : "ours",
              graceMs,
            }),
          ),
      );
    });
    const exitCode = stop.signal.aborted || done === undefined ? EXIT.interrupted : this.#tellEnd(done.end);
    this.exitCode = exitCode;
    const waitedS = done === undefined ? null : Math.round(done.waitedMs) / 1000;
    return { key, fence: done?.fence ?? null, waited_s: waitedS, exit_code: exitCode };
  }

  #tellEnd(end: CommandEnd): number {
    if (end.cause.kind === "not_started") {
      this.io.stderr.write(`error: ${toSafeLine(`the command could not be started: ${end.cause.problem}`)}\n`);
    }
    return toCommandExitCode(end);
  }
}

/** Passes a wish to end on to the waiting, or to the command: with its grace, and at once when it comes again. */
class Stop {
  readonly #abort = new AbortController();
  readonly #graceMs: number;
  #command: RunningCommand | undefined;

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  stop(): void {
    this.#command?.stop(this.signal.aborted ? 0 : this.#graceMs);
    this.#abort.abort();
  }

  watch(command: RunningCommand): RunningCommand {
    this.#command = command;
    if (this.signal.aborted) command.stop(this.#graceMs);
    return command;
  }
}

function missingCommand(key: string, strays: readonly string[]): AexpError {
  return new AexpError(
    strays.length > 0
      ? `${JSON.stringify(strays[0])} stands where flags of aexp are expected`
      : "there is no command to execute",
    {
      code: "cli.usage",
      hint: `Put it after two dashes: aexp lock hold ${key} -- ${strays.length > 0 ? strays.join(" ") : "make index"}`,
    },
  );
}
