import fc from "fast-check";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { CappedLog } from "../../../src/executor/local/capped-log.ts";
import { tempDir } from "../../helpers/temp-dir.ts";

describe("CappedLog", () => {
  it("keeps all of what fits, and beginning and end of what does not", () => {
    const path = join(tempDir(), "log");
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.integer({ min: 1, max: 16 }), (pieces, half) => {
        const log = new CappedLog(path, half * 2);
        for (const piece of pieces) log.write(piece);
        log.close();
        const all = Buffer.concat(pieces);

        const kept = readFileSync(path);
        const dropped = all.length - 2 * half;
        const expected =
          dropped <= 0
            ? all
            : Buffer.concat([
                all.subarray(0, half),
                Buffer.from(`\n[aexp: ${dropped} bytes left out here]\n`),
                all.subarray(-half),
              ]);
        expect(kept.equals(expected)).toBe(true);
      }),
    );
  });

  it.runIf(existsSync("/dev/full"))("says so when the disk is full, and lets the program go on", () => {
    const log = new CappedLog("/dev/full", 8);

    for (let piece = 0; piece < 4; piece += 1) log.write(Buffer.from("12345"));
    log.close();

    expect(log.problem).toContain("ENOSPC");
  });
});
