import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { readLog } from "../../app/read-log.ts";
import { resolveJobId } from "../../app/resolve-run.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { Relay } from "../../cli/io.ts";
import { toSafeText } from "../../model/terminal-text.ts";

export default class RunsLogs extends BaseCommand {
  static override summary = "Print what a run printed.";
  static override description =
    "The bytes are those of the program; on a terminal, control sequences are taken out. A log that grew beyond its " +
    "cap holds its beginning and its end, with a marker between.";
  static override examples = [
    "<%= config.bin %> runs logs @last --follow",
    "<%= config.bin %> runs logs d3a7 --stderr --attempt 2",
  ];
  static override aliases = ["logs"];
  static override args = { run: Args.string({ description: "Job id, a unique prefix, or @last.", required: true }) };
  static override flags = {
    stderr: Flags.boolean({ summary: "The error output instead of the standard output." }),
    attempt: Flags.integer({ summary: "An earlier attempt; the newest without it.", min: 1, helpValue: "N" }),
    follow: Flags.boolean({ char: "f", summary: "Go on as the log grows, until the run has ended." }),
  };

  override async run(): Promise<{ job_id: string; stream: string; text: string }> {
    const { args, flags } = await this.parse(RunsLogs);
    const repo = this.openRepo(flags);
    const jobId = resolveJobId(repo, args.run);
    const stream = flags.stderr ? "stderr" : "stdout";
    const decoder = new TextDecoder();
    using relay = new Relay(this.io.stdout);
    let text = "";
    for await (const bytes of readLog(repo, jobId, { stream, attempt: flags.attempt, isFollowed: flags.follow })) {
      if (this.jsonEnabled()) text += decoder.decode(bytes, { stream: true });
      else await relay.write(this.io.stdout.isTTY === true ? safeBytes(decoder, bytes) : bytes);
      if (relay.isGone) break;
    }
    return { job_id: jobId, stream, text };
  }
}

function safeBytes(decoder: InstanceType<typeof TextDecoder>, bytes: Uint8Array): Uint8Array {
  return Buffer.from(toSafeText(decoder.decode(bytes, { stream: true })));
}
