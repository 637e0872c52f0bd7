/**
 * `npm run bench`: measures the budgets of docs/performance.md as whole processes and prints a table.
 * `--write` also puts the table into docs/performance.md; `--quick` uses a tenth of the sizes; `--only queue` measures one
 * part of it (start-up, middle, growth, queue, postgres, pipelines or hashing).
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";

import { buildDataset } from "./dataset.ts";
import { emptyFolder } from "./empty-folder.ts";
import { measureHashing } from "./hashing.ts";
import { peakMemoryMiB, type Subject, time, timePair } from "./measure.ts";
import { measurePipelines } from "./pipelines.ts";
import { measurePostgres } from "./postgres.ts";
import { type Bench, measureQueue } from "./queue.ts";
import { formatValue, renderReport, type Row } from "./report.ts";
import { count, ms, us } from "./words.ts";

const HERE = import.meta.dirname;
const AEXP = [process.execPath, join(HERE, "..", "bin", "aexp.js")];
const SCALE = process.argv.includes("--quick") ? 0.1 : 1;
const MIDDLE = 10_000 * SCALE;
const SMALL = 1_000 * SCALE;
const LARGE = 100_000 * SCALE;
const SAMPLES = 5;

const place = mkdtempSync(join(tmpdir(), "aexp-bench-"));
const rows: Row[] = [];
try {
  const parts = {
    "start-up": measureStartUp,
    middle: measureMiddle,
    growth: measureGrowth,
    queue: () => measureQueue({ place, scale: SCALE, samples: SAMPLES, aexp, add }),
    postgres: () => measurePostgres({ add }),
    pipelines: () => measurePipelines({ place, scale: SCALE, samples: SAMPLES, aexp, add }),
    hashing: () => measureHashing({ place, scale: SCALE, samples: SAMPLES, aexp, add }),
  };
  const at = process.argv.indexOf("--only");
  for (const [name, measure] of Object.entries(parts)) {
    if (at < 0 || process.argv[at + 1] === name) await measure();
  }
} finally {
  // Checkouts are read-only.
  execFileSync("chmod", ["-R", "u+w", place]);
  rmSync(place, { recursive: true, force: true });
}
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.versions.node}`;
const report = renderReport(rows, machine);
process.stdout.write(`${report}\n`);
writeFileSync(join(HERE, "results.json"), `${JSON.stringify({ machine, rows }, null, 2)}\n`);
if (process.argv.includes("--write")) writeIntoPage(report);
if (rows.some(({ isMet }) => !isMet)) process.exitCode = 1;

function measureStartUp(): void {
  const empty = join(place, "empty");
  buildDataset(empty, { runs: 0, entries: 0, findings: 0, citations: 0 });
  for (const words of [["version"], ["validate"]]) {
    const { a, b, ratio } = timePair(
      { argv: [...AEXP, ...words], cwd: empty },
      { argv: [process.execPath, "-e", "0"], cwd: empty },
      SAMPLES * 5,
    );
    add(`start-up: aexp ${words.join(" ")}`, ms(a.medianS), `node -e 0: ${ms(b.medianS)}`, ratio, 2, "×");
  }
}

function measureMiddle(): void {
  const full = join(place, "middle");
  buildDataset(full, { runs: MIDDLE, entries: MIDDLE, findings: 500 * SCALE, citations: 20 });
  const workspace = join(full, ".runs", "workspace");
  const ledger = join(full, ".aexp", "ledger");
  const list = timePair(aexp(full, "runs", "list", "--json", "--local"), plainRead(workspace), SAMPLES);
  add(
    `runs list --json, ${count(MIDDLE)} runs`,
    ms(list.a.medianS),
    `plain loop: ${ms(list.b.medianS)}`,
    list.ratio,
    2.5,
    "×",
  );

  const validate = timePair(aexp(full, "validate"), plainRead(workspace, ledger, join(full, "kb")), SAMPLES);
  add(
    `validate, ${count(MIDDLE)} runs + entries, ${500 * SCALE} findings of 20 citations`,
    ms(validate.a.medianS),
    `plain loop: ${ms(validate.b.medianS)}`,
    validate.ratio,
    3,
    "×",
  );

  measureNotes();

  const packed = join(place, "entries.json");
  writeFileSync(
    packed,
    JSON.stringify(readdirSync(ledger).map((name) => [name, readFileSync(join(ledger, name), "utf8")])),
  );
  const target = join(place, "plain-ledger");
  const backfill = timePair(
    { ...aexp(full, "ledger", "backfill"), prepare: () => emptyFolder(ledger, place) },
    {
      argv: [process.execPath, join(HERE, "plain-write.js"), packed, target],
      prepare: () => emptyFolder(target, place),
    },
    SAMPLES,
  );
  add(
    `ledger backfill, ${count(MIDDLE)} entries`,
    ms(backfill.a.medianS),
    `plain loop: ${ms(backfill.b.medianS)}`,
    backfill.ratio,
    3,
    "×",
  );
}

/** A knowledge base of many notes, each complete and linked, beside the same number of runs. */
function measureNotes(): void {
  const linked = join(place, "linked");
  const size = { runs: MIDDLE, entries: MIDDLE, findings: 500 * SCALE, citations: 20, chains: 500 * SCALE };
  buildDataset(linked, size);
  const folders = [join(linked, ".runs", "workspace"), join(linked, ".aexp", "ledger"), join(linked, "kb")];
  const { a, b, ratio } = timePair(aexp(linked, "validate"), plainRead(...folders), SAMPLES);
  const what = `validate, ${count(4 * size.chains)} notes with ${count(size.findings * size.citations)} citations`;
  add(what, ms(a.medianS), `plain loop: ${ms(b.medianS)}`, ratio, 3, "×");
}

/** Seconds per run beyond an empty repository's, at two sizes: what grows faster than the number of runs shows here. */
function measureGrowth(): void {
  const empty = join(place, "without-runs");
  buildDataset(empty, { runs: 0, entries: 0, findings: 0, citations: 0 });
  const small = join(place, "small");
  const large = join(place, "large");
  buildDataset(small, { runs: SMALL, entries: SMALL, findings: 50 * SCALE, citations: 20 });
  buildDataset(large, { runs: LARGE, entries: LARGE, findings: 5_000 * SCALE, citations: 20 });
  for (const words of [["runs", "list", "--json"], ["validate"], ["ledger", "backfill"]]) {
    const subject = (root: string): Subject => ({
      ...aexp(root, ...words),
      ...(words[0] === "ledger" ? { prepare: () => emptyFolder(join(root, ".aexp", "ledger"), place) } : {}),
    });
    const base = time(subject(empty), SAMPLES).medianS;
    const perSmall = (time(subject(small), SAMPLES).medianS - base) / SMALL;
    const largeS = time(subject(large), SAMPLES).medianS;
    const perLarge = (largeS - base) / LARGE;
    add(
      `growth of ${words.join(" ")}, ${count(SMALL)} → ${count(LARGE)} runs`,
      `${us(perLarge)} a run (${largeS.toFixed(2)} s)`,
      `${us(perSmall)} a run`,
      perLarge / perSmall,
      1.3,
      "×",
    );
    subject(large).prepare?.();
    add(`memory of ${words.join(" ")}, ${count(LARGE)} runs`, "", "peak", peakMemoryMiB(subject(large)), 400, " MiB");
  }
}

function aexp(cwd: string, ...words: string[]): Subject {
  return { argv: [...AEXP, ...words], cwd };
}

function plainRead(...folders: string[]): Subject {
  return { argv: [process.execPath, join(HERE, "plain-read.js"), ...folders] };
}

function add(...[what, measured, against, value, budget, unit, bound = "≤"]: Parameters<Bench["add"]>): void {
  const isMet = bound === "≤" ? value <= budget : value >= budget;
  rows.push({ what, measured, against, value, budget, bound, unit, isMet });
  process.stderr.write(`${what}: ${formatValue(value, unit)} (budget ${bound} ${budget}${unit})\n`);
}

function writeIntoPage(table: string): void {
  const path = join(HERE, "..", "docs", "performance.md");
  const page = readFileSync(path, "utf8");
  writeFileSync(
    path,
    page.replace(
      /(<!-- bench:begin -->\n)[^]*(<!-- bench:end -->)/,
      (_, begin: string, end: string) => `${begin}${table}\n${end}`,
    ),
  );
}
