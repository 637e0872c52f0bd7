import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  type CodeIdentity,
  isTreeId,
  isUnkeyed,
  parseCodeIdentity,
  toCodeIdentityJson,
} from "../../../src/code/code-identity.ts";

const TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

describe("isTreeId", () => {
  it("takes the two lengths of git's hashes, and nothing that could be an option or a revision", () => {
    expect([TREE, "a".repeat(64)].every(isTreeId)).toBe(true);
    const others = ["", "HEAD", "--all", TREE.slice(1), TREE.toUpperCase(), `${TREE}\n`, `${TREE}^{tree}`];
    expect(others.filter(isTreeId)).toEqual([]);
  });
});

describe("parseCodeIdentity", () => {
  it("reads what was written, whatever it is", () => {
    fc.assert(
      fc.property(identity(), (code) => {
        const read: unknown = JSON.parse(JSON.stringify(toCodeIdentityJson(code)));
        expect(parseCodeIdentity(read)).toEqual(code);
      }),
    );
  });

  it.each([
    { what: "no object", value: TREE },
    { what: "no tree", value: { dirty: false } },
    { what: "a tree that is none", value: { tree: "HEAD", dirty: false } },
    { what: "a commit that is none", value: { tree: TREE, dirty: false, commit: "--upload-pack=x" } },
    { what: "paths that are no texts", value: { tree: TREE, dirty: false, paths: [1] } },
    { what: "no word on changes", value: { tree: TREE } },
  ])("refuses $what", ({ value }) => {
    expect(parseCodeIdentity(value)).toBeUndefined();
  });

  it("tells an identity from a reason", () => {
    expect(isUnkeyed({ unkeyed: "no git" })).toBe(true);
  });
});

function identity(): fc.Arbitrary<CodeIdentity> {
  return fc
    .record({
      tree: fc.oneof(hex(40), hex(64)),
      paths: fc.option(fc.array(fc.string()), { nil: undefined }),
      commit: fc.option(hex(40), { nil: undefined }),
      dirty: fc.boolean(),
    })
    .map(({ tree, paths, commit, dirty }) => {
      if (!isTreeId(tree)) throw new Error(`no tree id: ${tree}`);
      return { tree, ...(paths === undefined ? {} : { paths }), commit, dirty };
    });
}

function hex(length: number): fc.Arbitrary<string> {
  return fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
}
