import * as Flags from "@oclif/core/flags";

import { materializeQueue } from "../../app/materialize-queue.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { plural } from "../../cli/render/plural.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { SCRIPT_RUNNERS, type ScriptRunner } from "../../queue/batch-script.ts";
import { openQueue } from "../../wiring/open-queue.ts";
import { openTextFiles } from "../../wiring/open-text-files.ts";

export default class QueueMaterialize extends BaseCommand {
  static override summary = "Write the pending runs as a script, to execute or submit by hand.";
  static override description =
    "`shell` calls aexp for one run after the other; `slurm` is an array script for sbatch; `manual` holds the plain " +
    "commands, for a machine without aexp, and nothing of what they do is recorded.";
  static override examples = [
    "<%= config.bin %> queue materialize --runner shell --output run-all.sh",
    "<%= config.bin %> queue materialize --runner slurm --tag night --slurm-time 2:00:00 --output night.sbatch",
  ];
  static override flags = {
    runner: Flags.option({ options: SCRIPT_RUNNERS, summary: "Who executes the script.", required: true })(),
    output: Flags.string({ summary: "File to write.", helpValue: "FILE", required: true }),
    tag: Flags.string({ summary: "Only runs with this tag.", helpValue: "TAG" }),
    experiment: Flags.string({ summary: "Only runs of this experiment.", helpValue: "E001" }),
    "slurm-time": Flags.string({ summary: "Time limit of each run in SLURM's form.", helpValue: "TIME" }),
    force: Flags.boolean({ summary: "Replace the file if it is there." }),
  };

  override async run(): Promise<{ path: string; runner: ScriptRunner; runs: number; waiting: number }> {
    const { flags } = await this.parse(QueueMaterialize);
    const repo = this.openRepo(flags);
    await using store = await openQueue(repo);
    const { runner, output, tag, experiment } = flags;
    const options = { runner, output, tag, experiment, slurmTime: flags["slurm-time"], isForced: flags.force };
    const { path, runs, waiting } = await materializeQueue(repo, store, openTextFiles(this.io.cwd), options);
    if (runner === "slurm" && waiting > 0) {
      this.warnLine(
        `${waiting} of these runs ${waiting === 1 ? "waits" : "wait"} for others, and the elements of an array start in any order`,
      );
    }
    this.log(`wrote ${plural(runs, "run")} to ${toSafeLine(path)}`);
    return { path, runner, runs, waiting };
  }
}
