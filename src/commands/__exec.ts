import { BaseCommand } from "../cli/base-command.ts";
import { serveAttempts } from "../wiring/serve-attempts.ts";

export default class Exec extends BaseCommand {
  static override hidden = true;
  static override summary = "Carry out the attempts of the worker that started this process.";
  static override description = "For workers only: they talk to it through a channel that a terminal does not have.";

  override async run(): Promise<Record<string, never>> {
    await this.parse(Exec);
    await serveAttempts();
    return {};
  }
}
