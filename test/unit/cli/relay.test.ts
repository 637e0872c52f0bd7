import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";

import { Relay } from "../../../src/cli/io.ts";
import { withStopSignals } from "../../../src/cli/stop-signals.ts";

/** A stream that takes what it is given, and wants a pause when it is told to. */
class FakeStream extends EventEmitter {
  readonly taken: string[] = [];
  isFull = false;

  write(data: string | Uint8Array): boolean {
    this.taken.push(Buffer.from(data).toString());
    return !this.isFull;
  }
}

describe("Relay", () => {
  it("asks for a pause until the reader has caught up", async () => {
    const stream = new FakeStream();
    using relay = new Relay(stream);
    expect(relay.write(Buffer.from("a"))).toBeUndefined();
    stream.isFull = true;

    const first = relay.write(Buffer.from("b"));
    const second = relay.write(Buffer.from("c"));
    expect([first, second]).toEqual([expect.any(Promise), expect.any(Promise)]);
    stream.emit("drain");
    await first;
    await second;

    expect(stream.taken).toEqual(["a", "b", "c"]);
  });

  it("drops what comes after the reader is gone", async () => {
    const stream = new FakeStream();
    stream.isFull = true;
    using relay = new Relay(stream);
    const pause = relay.write(Buffer.from("a"));

    stream.emit("error", new Error("EPIPE"));
    await pause;

    expect(relay.isGone).toBe(true);
    expect(relay.write(Buffer.from("b"))).toBeUndefined();
    expect(stream.taken).toEqual(["a"]);
  });

  it("leaves no listener that could pile up, and still bears a late error", () => {
    const stream = new FakeStream();
    new Relay(stream)[Symbol.dispose]();

    expect([stream.listenerCount("drain"), stream.listenerCount("close")]).toEqual([0, 0]);
    expect(() => stream.emit("error", new Error("EPIPE"))).not.toThrow();
  });
});

describe("withStopSignals", () => {
  it("stops an attempt that starts after the signal came", async () => {
    const stops: string[] = [];
    const before = process.listenerCount("SIGHUP");

    await withStopSignals(async (onStart) => {
      process.emit("SIGHUP");
      onStart({ ended: new Promise(() => undefined), stop: (by) => void stops.push(by) });
      process.emit("SIGTERM");
    });

    expect(stops).toEqual(["SIGHUP", "SIGTERM"]);
    expect(process.listenerCount("SIGHUP")).toBe(before);
  });
});
