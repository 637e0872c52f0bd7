import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { type RefreshedFinding, refreshFindings } from "../../app/refresh-finding.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import {
  failureLine,
  type RefreshedFindingJson,
  refreshedLine,
  toRefreshedJson,
} from "../../cli/render/refreshed-finding.ts";
import { AexpError } from "../../model/errors.ts";
import { toSafeLine } from "../../model/terminal-text.ts";

export default class FindingRefresh extends BaseCommand {
  static override summary = "Renew the results tables of findings from the runs that they cite.";
  static override description =
    "A finding whose table is up to date is not touched. The table says what the ledger says, so it is the same on every machine.";
  static override examples = [
    "<%= config.bin %> finding refresh F001",
    "<%= config.bin %> finding refresh --all",
    "<%= config.bin %> finding refresh --all --check",
  ];
  static override args = {
    finding: Args.string({ description: "Id of the finding, or its file.", multiple: true }),
  };
  static override flags = {
    all: Flags.boolean({ summary: "Every finding that cites runs." }),
    check: Flags.boolean({ summary: "Write nothing; exit 1 when a table is out of date." }),
  };

  override async run(): Promise<readonly RefreshedFindingJson[]> {
    const { args, flags } = await this.parse(FindingRefresh);
    const names = args.finding ?? [];
    if (flags.all ? names.length > 0 : names.length === 0) {
      throw new AexpError(names.length > 0 ? "--all takes no findings" : "no finding to refresh was named", {
        code: "cli.usage",
        hint: "Name findings by id, or take --all for every one that cites runs.",
      });
    }
    const isCheck = flags.check;
    const findings = await refreshFindings(this.openRepo(flags), flags.all ? "all" : names, { isCheck });
    const [only] = findings;
    if (names.length === 1 && only?.outcome === "failed") throw only.error;
    for (const finding of findings) {
      if (finding.outcome !== "failed") this.log(refreshedLine(finding, isCheck));
      else this.io.stderr.write(`error: ${toSafeLine(failureLine(finding))}\n`);
    }
    if (findings.length === 0) this.log("No finding cites a run.");
    this.exitCode = exitCodeFor(findings, isCheck);
    return findings.map(toRefreshedJson);
  }
}

function exitCodeFor(findings: readonly RefreshedFinding[], isCheck: boolean): number {
  const failed = findings.filter(({ outcome }) => outcome === "failed").length;
  if (failed > 0) return failed === findings.length ? EXIT.usage : EXIT.partial;
  return isCheck && findings.some(({ outcome }) => outcome === "renewed") ? EXIT.failed : EXIT.ok;
}
