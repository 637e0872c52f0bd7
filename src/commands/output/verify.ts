import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { findSucceededOf, resolveReference } from "../../app/run-reference.ts";
import {
  countBytes,
  findOutputs,
  type Verification,
  type VerifiedOutput,
  verifyOutputs,
} from "../../app/verify-outputs.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { EXIT, type ExitCode } from "../../cli/exit-codes.ts";
import { Progress } from "../../cli/progress.ts";
import {
  renderVerifiedOutputs,
  toVerifiedOutputJson,
  type VerifiedOutputJson,
} from "../../cli/render/verified-outputs.ts";
import { screenOf } from "../../cli/screen.ts";
import { AexpError } from "../../model/errors.ts";
import { openCache } from "../../wiring/open-cache.ts";

const MIB = 1024 * 1024;

export default class OutputVerify extends BaseCommand {
  static override summary = "Read outputs again, and say whether they are what was written.";
  static override description =
    "What is missing or has changed is noted, so that no pipeline reuses it. Ends with 1 when anything is not as it was " +
    "written, and with 3 when something of it is not on this machine, so that nobody can say.";
  static override examples = [
    "<%= config.bin %> output verify 3f2a 77c1.model",
    "<%= config.bin %> output verify --group grp_0a1b2c3d4e5f",
  ];
  static override args = {
    run: Args.string({
      description: "RUN or RUN.OUTPUT: a job id, a unique prefix of it, @last, or an alias as @NAME.",
      multiple: true,
    }),
  };
  static override flags = {
    group: Flags.string({ summary: "All that a pipeline has computed or found.", helpValue: "GRP" }),
  };

  override async run(): Promise<readonly VerifiedOutputJson[]> {
    const { args, flags } = await this.parse(OutputVerify);
    const repo = this.openRepo(flags);
    await using ports = await openCache(repo);
    const texts = args.run ?? [];
    if (texts.length === 0 && flags.group === undefined) {
      throw new AexpError("nothing says which outputs are to be read", {
        code: "cli.usage",
        hint: "Name runs, or a pipeline with --group; `aexp pipeline list` shows those that there are.",
      });
    }
    const referred = flags.group === undefined ? [] : [...(await findSucceededOf(ports.store, flags.group))];
    for (const text of texts) referred.push(await resolveReference(repo, ports.store, text));
    const wanted = await findOutputs(repo, ports, referred);
    const total = Math.ceil(countBytes(repo, wanted) / MIB);
    const progress = new Progress(this.io.stderr, "reading MiB:");
    const verified = await verifyOutputs(repo, ports, wanted, {
      onProgress: (bytes) => progress.update(Math.floor(bytes / MIB), () => total),
    }).finally(() => progress.end());
    this.exitCode = exitCodeOf(verified);
    this.log(
      verified.length === 0
        ? "There are no outputs to read."
        : renderVerifiedOutputs(verified, screenOf(this.io, this.color, repo.clock.nowMs())),
    );
    return verified.map(toVerifiedOutputJson);
  }
}

const FINE: ReadonlySet<string> = new Set<Verification["state"]>(["same", "elsewhere"]);

function exitCodeOf(verified: readonly VerifiedOutput[]): ExitCode {
  const states = new Set(verified.map(({ verification }) => verification.state));
  if (states.difference(FINE).size > 0) return EXIT.failed;
  return states.has("elsewhere") ? EXIT.partial : EXIT.ok;
}
