import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { type HeldLock, withLockFile } from "../../src/platform/lock-file.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const FREQUENT = { isFrequent: true };
const LONG_AGO_S = Date.now() / 1000 - 7200;

describe.each([{ isFrequent: false }, FREQUENT])("a lock with %o", (options) => {
  it("is held by one at a time", async () => {
    const path = join(tempDir(), "lock");
    let inside = 0;
    let most = 0;
    const enter = async (): Promise<void> => {
      most = Math.max(most, (inside += 1));
      await Promise.resolve();
      inside -= 1;
    };

    await Promise.all(Array.from({ length: 8 }, () => withLockFile(path, 60_000, enter, options)));

    expect(most).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it("is not given to a second one in time", async () => {
    const path = join(tempDir(), "lock");
    const inner = await withLockFile(path, 0, () => withLockFile(path, 0, async () => "both", options), options);
    expect(inner).toEqual({ result: undefined });
  });

  it("is taken over from a holder that died, and says so", async () => {
    const path = join(tempDir(), "lock");
    writeFileSync(path, "");
    utimesSync(path, LONG_AGO_S, LONG_AGO_S);

    const taken = await withLockFile(path, 0, async ({ wasAbandoned }) => wasAbandoned, options);

    expect(taken).toEqual({ result: true });
  });

  it("never belongs to two tasks of this process, also after a long standstill", async () => {
    const path = join(tempDir(), "lock");
    onTestFinished(() => void vi.restoreAllMocks());

    const takeTwice = async (first: HeldLock): Promise<number> => {
      const wakesMs = Date.now() + 10_000;
      vi.spyOn(Date, "now").mockImplementation(() => wakesMs);
      const holders = await withLockFile(path, 0, async (second) => [first.isHeld(), second.isHeld()], options);
      return (holders?.result ?? [first.isHeld()]).filter(Boolean).length;
    };

    expect(await withLockFile(path, 0, takeTwice, options)).toEqual({ result: 1 });
  });

  it("is lost when another takes it over", async () => {
    const path = join(tempDir(), "lock");
    const look = async (lock: HeldLock): Promise<readonly boolean[]> => {
      const before = lock.isHeld();
      rmSync(path);
      writeFileSync(path, "");
      utimesSync(path, LONG_AGO_S, LONG_AGO_S);
      return [before, lock.isHeld()];
    };

    expect(await withLockFile(path, 0, look, options)).toEqual({ result: [true, false] });
    expect(existsSync(path)).toBe(true);
  });
});

describe("locks of one folder", () => {
  it("are names of one file, and each is let go on its own", async () => {
    const folder = tempDir();
    const [a, b] = [join(folder, "a"), join(folder, "b")];
    const inner = async (lock: HeldLock): Promise<unknown> => {
      const isSame = statSync(a).ino === statSync(b).ino;
      return { isSame, isHeld: lock.isHeld() };
    };
    const outer = async (lock: HeldLock): Promise<unknown> => {
      const seen = await withLockFile(b, 0, inner, FREQUENT);
      return { seen, isHeld: lock.isHeld(), isOtherGone: !existsSync(b) };
    };

    expect(await withLockFile(a, 0, outer, FREQUENT)).toEqual({
      result: { seen: { result: { isSame: true, isHeld: true } }, isHeld: true, isOtherGone: true },
    });
  });

  it("can be taken again when somebody has removed their file", async () => {
    const folder = tempDir();
    const take = () => withLockFile(join(folder, "lock"), 0, async () => "taken", FREQUENT);
    await take();
    for (const name of readdirSync(folder)) rmSync(join(folder, name));

    expect(await take()).toEqual({ result: "taken" });
    expect(await take()).toEqual({ result: "taken" });
  });

  it("leave no files of killed processes behind, and those of living ones alone", async () => {
    const folder = tempDir();
    const [dead, living] = [join(folder, ".anchor-1-1"), join(folder, ".anchor-2-2")];
    writeFileSync(living, "");
    writeFileSync(dead, "");
    utimesSync(dead, LONG_AGO_S, LONG_AGO_S);

    await withLockFile(join(folder, "lock"), 0, async () => undefined, FREQUENT);

    expect([existsSync(dead), existsSync(living)]).toEqual([false, true]);
  });
});
