import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

import { SERVE, TestSupervision } from "../helpers/supervision.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const FLOOD = join(import.meta.dirname, "..", "fixtures", "programs", "flood.js");
const MIB = 1024 * 1024;

function memoryMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

it("takes 200 MiB of bytes without a line break at the program's pace, in flat memory, and keeps both ends", async () => {
  const place = new TestSupervision();
  await place.run(1);
  const { supervisor } = await place.supervision(1);
  const beforeMiB = memoryMiB(supervisor.pid);
  let peakMiB = 0;
  const watch = setInterval(() => (peakMiB = Math.max(peakMiB, memoryMiB(supervisor.pid))), 10);

  const end = await place.run(2, { argv: [process.execPath, FLOOD, "200"] });
  clearInterval(watch);

  expect(end).toMatchObject({ cause: { kind: "exited", exitCode: 0 } });
  const path = place.path(2, ".aexp/attempt-1/stdout.log");
  expect(statSync(path).size).toBeLessThan(10 * MIB + 100);
  expect(
    readFileSync(path)
      .subarray(5 * MIB, 5 * MIB + 100)
      .toString("latin1"),
  ).toContain(`\n[aexp: ${190 * MIB} bytes left out here]\n`);
  expect(peakMiB - beforeMiB).toBeLessThan(80);
}, 120_000);

it("carries out 2,000 quick programs and leaks nothing", async () => {
  const place = new TestSupervision();
  let next = 1;
  const many = async (last: number): Promise<void> => {
    while (next <= last) expect((await place.run(next++)).exitCode).toBe(0);
  };
  await many(200);
  const { pid } = (await place.supervision(1)).supervisor;
  const before = { descriptors: descriptors(pid), memoryMiB: memoryMiB(pid), own: descriptors(process.pid) };

  await Promise.all(Array.from({ length: 4 }, () => many(2200)));

  expect(descriptors(pid)).toBeLessThanOrEqual(before.descriptors);
  expect(descriptors(process.pid)).toBeLessThanOrEqual(before.own);
  expect(memoryMiB(pid) - before.memoryMiB).toBeLessThan(40);
}, 180_000);

it.for([33, 34, 35, 36, 37, 38])("fails one attempt and no other when %i descriptors are all it has", async (limit) => {
  const place = new TestSupervision(tempDir(), ["/bin/sh", "-c", `ulimit -n ${limit}; exec "$@"`, "sh", ...SERVE]);
  const attempts = await Promise.all(Array.from({ length: 6 }, (_, id) => place.start(id, { line: "sleep 60" })));
  for (const attempt of attempts) attempt.stop("graceful");

  const kinds = (await Promise.all(attempts.map(({ ended }) => ended))).map(({ cause }) => cause.kind);

  expect(kinds).not.toContain("lost");
  expect(kinds).toContain("not_started");
  expect((await place.run(7)).exitCode).toBe(0);
});

it("goes on when the disk is full: the program ends as it would, and it is said what is missing", async () => {
  // A limit on the size of files stands for a full disk: the records fit, the log does not.
  const place = new TestSupervision(tempDir(), [
    "/bin/sh",
    "-c",
    `trap '' XFSZ; ulimit -f 8; exec "$@"`,
    "sh",
    ...SERVE,
  ]);

  const end = await place.run(1, { argv: [process.execPath, FLOOD, "1"] });

  expect(end).toMatchObject({
    cause: { kind: "exited", exitCode: 0 },
    recordProblem: expect.stringContaining("EFBIG"),
  });
});

it("begins nothing whose process cannot be recorded", async () => {
  const place = new TestSupervision(tempDir(), [
    "/bin/sh",
    "-c",
    `trap '' XFSZ; ulimit -f 0; exec "$@"`,
    "sh",
    ...SERVE,
  ]);

  const attempt = await place.start(1, { line: 'mkdir "$AEXP_JOB_WORKSPACE/begun"' });

  expect(attempt.process).toBeUndefined();
  expect((await attempt.ended).cause).toMatchObject({ kind: "not_started", problem: expect.stringContaining("EFBIG") });
  expect(readdirSync(place.path(1, ""))).not.toContain("begun");
});
