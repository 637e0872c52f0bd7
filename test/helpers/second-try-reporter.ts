import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/**
 * Real processes on a busy machine: a failure is tried again in CI, and told at its end. A property that failed is not:
 * the second try would draw other values.
 */
export const SECOND_TRY = process.env["CI"] === undefined ? 0 : { count: 1, condition: /^(?!Property failed)/ };

const FOLDER = ".cache/second-tries";

/** A test that failed and then passed: it hangs on luck, or what it tests does. */
export interface SecondTry {
  readonly test: string;
  /** What the first try said. */
  readonly errors: readonly string[];
}

/**
 * Notes the tests that only passed when tried again, for the summary of CI: they are forgiven there, never hidden.
 *
 * @param name of the file, one for each suite
 */
export function noteSecondTries(name: string): Reporter {
  return {
    onTestRunEnd(modules: readonly TestModule[]) {
      const tries = modules.flatMap((module) => [...module.children.allTests()]).flatMap(secondTry);
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(join(FOLDER, `${name}.json`), JSON.stringify(tries, undefined, 2));
    },
  };
}

function secondTry(test: TestCase): readonly SecondTry[] {
  if (test.diagnostic()?.flaky !== true) return [];
  const errors = (test.result().errors ?? []).map(({ message }) => message);
  return [{ test: `${test.module.relativeModuleId} > ${test.fullName}`, errors }];
}
