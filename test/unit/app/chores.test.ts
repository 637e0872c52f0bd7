import { describe, expect, it } from "vitest";

import { Chores } from "../../../src/app/chores.ts";

function makeChores() {
  let now = 1000;
  const chores = new Chores(
    { monotonicMs: () => now },
    new Map([
      ["look", 0],
      ["purge", 500],
    ] as const),
  );
  return { chores, advance: (ms: number) => void (now += ms) };
}

describe("chores", () => {
  it("are due after their time, and again after that", () => {
    const { chores, advance } = makeChores();

    expect(chores.isDue("look", 200)).toBe(true);
    expect(chores.isDue("look", 200)).toBe(false);
    expect(chores.isDue("purge", 200)).toBe(false);
    expect(chores.untilNext()).toBe(200);
    advance(250);
    expect(chores.untilNext()).toBe(0);
    expect(chores.isDue("look", 600)).toBe(true);
    expect(chores.untilNext()).toBe(250);
  });

  it("can be hurried, to no more often than is said", () => {
    const { chores, advance } = makeChores();
    expect(chores.isDue("look", 10_000)).toBe(true);
    advance(10);

    chores.hurry("look", 50);
    expect(chores.isDue("look", 10_000)).toBe(false);
    expect(chores.untilNext()).toBe(40);
    chores.hurry("look", 5000);
    expect(chores.untilNext()).toBe(40);
    chores.hurry("look");
    expect(chores.isDue("look", 10_000)).toBe(true);
  });

  it("that were never done are due at once when hurried", () => {
    const { chores } = makeChores();

    chores.hurry("purge", 50);

    expect(chores.isDue("purge", 1000)).toBe(true);
  });
});
