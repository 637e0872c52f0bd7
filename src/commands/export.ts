import * as Flags from "@oclif/core/flags";

import { type ExportOutcome, exportRuns } from "../app/export-runs.ts";
import type { Repo } from "../app/repo.ts";
import { allIds } from "../app/run-ids.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { EXIT } from "../cli/exit-codes.ts";
import { Progress } from "../cli/progress.ts";
import { toExportedJson } from "../cli/render/exported-run.ts";
import { plural } from "../cli/render/plural.ts";
import { RUN_FILTER_FLAGS, toRunQuery } from "../cli/run-filter-flags.ts";
import { untilInterrupted } from "../cli/until-interrupted.ts";
import { VERSION } from "../cli/version.ts";
import { EXPORT_FORMATS, type ExportFormat, isFolderFormat } from "../export/export-format.ts";
import type { ExportText } from "../export/export-folder.ts";
import { AexpError } from "../model/errors.ts";
import { toSafeLine } from "../model/terminal-text.ts";
import { type ExportPlace, findRepoLicense, openExportPlace } from "../wiring/open-export.ts";

export default class Export extends BaseCommand {
  static override summary =
    "Export runs for other programs: a table, JSON, an RO-Crate, or a folder that mlflow reads.";
  static override description =
    "Local runs and ledger entries alike, as `aexp runs list` shows them: all, or those of the named runs, experiments, " +
    "hypotheses and findings. Names of local folders and what looks like a password stay here. docs/export.md tells more.";
  static override examples = [
    "<%= config.bin %> export --format csv --experiment E001 > runs.csv",
    "<%= config.bin %> export F003 --format ro-crate --out crate",
    "<%= config.bin %> export --format mlflow --status complete --out mlruns",
  ];
  static override strict = false;
  static override usage = "export [RUN|E001|H001|F001...] --format csv|json|ro-crate|mlflow [--out PATH]";
  static override flags = {
    ...RUN_FILTER_FLAGS,
    finding: Flags.string({
      summary: "Only runs that this finding cites; repeat for several.",
      helpValue: "F001",
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: "FILTER",
    }),
    format: Flags.option({ options: EXPORT_FORMATS, required: true, summary: "What to export them as." })(),
    out: Flags.string({
      summary: "File or folder to make; csv and json go to stdout without it.",
      helpValue: "PATH",
    }),
    force: Flags.boolean({ summary: "Replace what is there.", dependsOn: ["out"] }),
    ndjson: Flags.boolean({ summary: "With --format json: one JSON document per line.", exclusive: ["json"] }),
    license: Flags.string({
      summary: "With --format ro-crate: how it may be used, an address or words; else the repository's license file.",
      helpValue: "URL",
    }),
    title: Flags.string({ summary: "With --format ro-crate: what the crate is called.", helpValue: "TEXT" }),
  };

  override async run(): Promise<Record<string, unknown> | undefined> {
    const { argv, flags } = await this.parse(Export);
    checkFlags(flags, this.jsonEnabled());
    const repo = this.openRepo(flags);
    const place = this.#placeOf(repo, flags);
    const progress = new Progress(this.io.stderr, "exporting runs:");
    const request = {
      format: flags.format,
      query: await toRunQuery(flags, repo.clock.nowMs()),
      names: argv.map(String),
      findings: flags.finding ?? [],
      license: flags.license,
      title: flags.title,
      findLicense: () => findRepoLicense(repo),
      version: VERSION,
      toJson: toExportedJson,
      isLines: flags.ndjson,
    };
    const outcome = await untilInterrupted(this.io.stdout, (signal) =>
      exportRuns(repo, request, {
        openText: () => place?.openText() ?? this.#stdout(),
        openFolder: () => {
          if (place === undefined) throw new Error("a folder needs --out");
          return place.openFolder();
        },
        onProgress: (done) => progress.update(done, () => allIds(repo).length),
        signal,
      }),
    ).finally(() => progress.end());
    if (outcome === undefined) {
      this.exitCode = EXIT.interrupted;
      return undefined;
    }
    return this.#tell(outcome, place, flags.format);
  }

  #placeOf(
    repo: Repo,
    flags: { readonly out?: string | undefined; readonly format: ExportFormat; readonly force: boolean },
  ): ExportPlace | undefined {
    if (flags.out === undefined) return undefined;
    return openExportPlace(repo, {
      out: flags.out,
      cwd: this.io.cwd,
      format: flags.format,
      isFolder: isFolderFormat(flags.format),
      isForced: flags.force,
    });
  }

  #stdout(): ExportText {
    return { write: (text) => void this.io.stdout.write(text), publish: () => {}, discard: () => {} };
  }

  #tell(
    { runs, sanitized, notes }: ExportOutcome,
    place: ExportPlace | undefined,
    format: ExportFormat,
  ): Record<string, unknown> | undefined {
    for (const note of notes) this.warnLine(note);
    if (sanitized > 0)
      this.warnLine(`${sanitized} texts named local folders or looked like passwords; they were changed`);
    if (place === undefined) return undefined;
    this.log(toSafeLine(`${place.path}: ${plural(runs, "run")}`));
    return { path: place.path, format, runs, sanitized, notes };
  }
}

function checkFlags(
  flags: {
    readonly format: ExportFormat;
    readonly out?: string | undefined;
    readonly ndjson: boolean;
    readonly license?: string | undefined;
    readonly title?: string | undefined;
  },
  isJson: boolean,
): void {
  const { format, out } = flags;
  if (out === undefined && isFolderFormat(format)) {
    throw usage(
      `--format ${format} makes a folder, and none is named`,
      `Add --out DIR, e.g. --out ${EXAMPLES[format]}.`,
    );
  }
  if (out === undefined && isJson && format !== "json") {
    throw usage(
      "--json tells about the file that was written, and none is named",
      "Add --out FILE, or leave --json out.",
    );
  }
  if (flags.ndjson && format !== "json") {
    throw usage(`--ndjson goes with --format json, not ${format}`, "Leave --ndjson out, or write --format json.");
  }
  if (format !== "ro-crate" && (flags.license ?? flags.title) !== undefined) {
    throw usage(
      `--license and --title go with --format ro-crate, not ${format}`,
      "Leave them out, or write --format ro-crate.",
    );
  }
}

const EXAMPLES = { "ro-crate": "crate", mlflow: "mlruns" } as const;

function usage(problem: string, hint: string): AexpError {
  return new AexpError(problem, { code: "cli.usage", hint });
}
