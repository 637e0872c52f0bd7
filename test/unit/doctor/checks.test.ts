import { describe, expect, it } from "vitest";

import {
  checkClock,
  checkFileSystem,
  checkFolder,
  checkGit,
  checkIgnored,
  checkMarker,
  checkMergeDriver,
} from "../../../src/doctor/checks.ts";
import type { FolderProbe } from "../../../src/doctor/machine.ts";

const GOOD: FolderProbe = { kind: "writable", freeBytes: 50 * 1024 ** 3, fileSystem: "local", clockDifferenceMs: 12 };

describe("doctor's checks", () => {
  it.each([
    { version: undefined, state: "bad" },
    { version: "2.37.9", state: "warning" },
    { version: "2.38.0", state: "ok" },
    { version: "3.0.1", state: "ok" },
  ])("finds git $version $state", ({ version, state }) => {
    expect(checkGit(version).state).toBe(state);
  });

  it("wants the clone installed", () => {
    expect(checkMarker(true, "gpu3")).toMatchObject({ state: "ok", message: 'this machine is "gpu3"' });
    expect(checkMarker(false, "gpu3")).toMatchObject({ state: "bad", hint: "Run `aexp install`." });
  });

  it("wants entries committed and the marker not", () => {
    expect(checkIgnored({ isLedgerIgnored: true, isMarkerIgnored: true }).state).toBe("bad");
    expect(checkIgnored({ isLedgerIgnored: false, isMarkerIgnored: false }).state).toBe("bad");
    expect(checkIgnored({ isLedgerIgnored: false, isMarkerIgnored: true }).state).toBe("ok");
  });

  it("warns when git cannot run the merge driver", () => {
    expect(checkMergeDriver({ isConfigured: false, program: "/bin/aexp" }).state).toBe("warning");
    expect(checkMergeDriver({ isConfigured: true, program: undefined }).state).toBe("warning");
    expect(checkMergeDriver({ isConfigured: true, program: "/bin/aexp" }).state).toBe("ok");
  });

  it("judges a folder by whether it is there, can be written and has room", () => {
    expect(checkFolder("run store", { kind: "missing" }, true).state).toBe("bad");
    expect(checkFolder("ledger", { kind: "missing" }, false).state).toBe("ok");
    expect(checkFolder("ledger", { kind: "unwritable", problem: "EACCES" }, false)).toMatchObject({
      state: "bad",
      message: "it cannot be written: EACCES",
    });
    expect(checkFolder("run store", { ...GOOD, freeBytes: 300 * 1024 ** 2 }, true)).toMatchObject({
      state: "warning",
      message: "only 300 MiB are free",
    });
    expect(checkFolder("run store", GOOD, true)).toMatchObject({ state: "ok", message: "writable, 50 GiB free" });
  });

  it("warns of network file systems and of clocks that disagree", () => {
    expect(checkFileSystem({ ...GOOD, fileSystem: "network" }).state).toBe("warning");
    expect(checkFileSystem(GOOD).state).toBe("ok");
    expect(checkClock({ ...GOOD, clockDifferenceMs: -61_500 }).message).toBe(
      "the file system's clock is 61.5 s behind",
    );
    expect(checkClock(GOOD).state).toBe("ok");
  });
});
