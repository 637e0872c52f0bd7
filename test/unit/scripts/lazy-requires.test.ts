import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";

import { deferRequires } from "../../../scripts/lazy-requires.ts";

describe("deferRequires", () => {
  it("loads a module when its name is first used, and once", () => {
    const loaded: string[] = [];
    const source = deferRequires(
      'const path_1 = require("path");\nconst other_1 = __importDefault(require("other"));\n' +
        "exports.join = () => path_1.join + path_1.join;\nexports.make = () => new other_1.default();",
    );
    const exports: { join?: () => string; make?: () => object } = {};
    const load = (name: string): object => {
      loaded.push(name);
      return name === "path" ? { join: "/" } : Date;
    };

    runInNewContext(source, { exports, require: load, __importDefault: (module: unknown) => ({ default: module }) });

    expect(loaded).toEqual([]);
    expect(exports.join?.()).toBe("//");
    expect(exports.join?.()).toBe("//");
    expect(loaded).toEqual(["path"]);
    expect(exports.make?.()).toBeTypeOf("object");
    expect(loaded).toEqual(["path", "other"]);
  });

  it("leaves properties, keys and strings of the same name alone", () => {
    const source = 'const util_1 = require("util");\nexports.text = "util_1"; exports.object = { util_1: 1 };';

    expect(deferRequires(source)).toContain('exports.text = "util_1"; exports.object = { util_1: 1 };');
  });
});
