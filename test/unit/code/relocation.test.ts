import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Move, relocate } from "../../../src/code/relocation.ts";

const all = (from: string, to: string): Move => ({ from, to: (rest) => to + rest });

describe("relocate", () => {
  it.each([
    ["/repo/train.py", "/new/train.py"],
    ["/repo", "/new"],
    ["--data=/repo/data", "--data=/new/data"],
    ["python3 /repo/train.py --out '/repo/out' > /repo/log", "python3 /new/train.py --out '/new/out' > /new/log"],
    ["/repo/a:/repo/b", "/new/a:/new/b"],
    ["cd /repo; ls", "cd /new; ls"],
    ["/repository/x", "/repository/x"],
    ["/old/repo/x", "/old/repo/x"],
    ["x/repo/y", "x/repo/y"],
    ["/repo.bak", "/repo.bak"],
  ])("turns %s into %s", (before, after) => {
    expect(relocate(before, [all("/repo", "/new")])).toBe(after);
  });

  it("asks the folders in order, and leaves what none of them moves", () => {
    const moves: readonly Move[] = [
      { from: "/repo/.runs/1", to: (rest) => (rest === "/keep" ? undefined : `/results${rest}`) },
      { from: "/repo", to: (rest) => (rest.startsWith("/src") ? `/code${rest}` : undefined) },
    ];

    expect(relocate("/repo/.runs/1/out /repo/.runs/1/keep /repo/src/a /repo/data", moves)).toBe(
      "/results/out /repo/.runs/1/keep /code/src/a /repo/data",
    );
  });

  it("changes nothing where no folder is named, and everything back again", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(relocate(text, [{ from: "/repo", to: () => undefined }])).toBe(text);
        expect(relocate(relocate(text, [all("/a", "/zz")]), [all("/zz", "/a")])).toBe(
          relocate(text, [all("/zz", "/a")]),
        );
      }),
    );
  });
});
