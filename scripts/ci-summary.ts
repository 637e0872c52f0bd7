/** Adds up what the test runs left in `.cache/results/` and prints one line; a skipped test fails in CI. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "..", ".cache", "results");
const totals = { passed: 0, failed: 0, skipped: 0 };
for (const name of readdirSync(folder)) {
  const result: { numPassedTests: number; numFailedTests: number; numPendingTests: number; numTodoTests: number } =
    JSON.parse(readFileSync(join(folder, name), "utf8"));
  totals.passed += result.numPassedTests;
  totals.failed += result.numFailedTests;
  totals.skipped += result.numPendingTests + result.numTodoTests;
}
process.stdout.write(
  `${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ""}\n`,
);
if (totals.passed === 0 || totals.failed > 0 || totals.skipped > 0) process.exitCode = 1;
