import * as Args from "@oclif/core/args";

import { BaseCommand } from "../cli/base-command.ts";
import { readCommandList } from "../cli/command-list.ts";
import { renderCompletion, SHELLS } from "../cli/render/completion.ts";

export default class Completion extends BaseCommand {
  static override summary = "Print a script that completes commands and flags in your shell.";
  static override examples = [
    "source <(<%= config.bin %> completion bash)",
    "<%= config.bin %> completion zsh > ~/.zfunc/_aexp",
    "<%= config.bin %> completion fish > ~/.config/fish/completions/aexp.fish",
  ];
  static override args = {
    shell: Args.option({ options: SHELLS, description: "The shell that will read the script." })({ required: true }),
  };

  override async run(): Promise<{ shell: string; script: string }> {
    const { args } = await this.parse(Completion);
    const script = renderCompletion(args.shell, readCommandList());
    this.log(script.trimEnd());
    return { shell: args.shell, script };
  }
}
