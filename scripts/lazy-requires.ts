import type { Plugin } from "esbuild";
import { readFileSync } from "node:fs";

/** Compiled CommonJS of oclif: `const x_1 = require("./x")`, possibly wrapped in an interop helper. */
const TOP_LEVEL_REQUIRE = /^const (\w+) = (__importDefault|__importStar)?\(?require\("([^"]+)"\)\)?;$/gm;

/**
 * Puts off the requires at the top of oclif's modules until a name is first used.
 *
 * oclif loads its help, plugin, prompt and template code to run any command; that is 25 ms, more than the start of
 * Node itself, and almost none of it is used. Measured: `aexp version` takes 2.3 × `node -e 0` without this, 1.6 × with.
 */
export const lazyRequires: Plugin = {
  name: "lazy-requires",
  setup(build) {
    build.onLoad({ filter: /node_modules[/\\](?:@oclif[/\\]core|ejs|minimatch)[/\\].*\.js$/ }, ({ path }) => ({
      contents: deferRequires(readFileSync(path, "utf8")),
      loader: "js",
    }));
  },
};

/** Rewrites the source of one module. Exported names are untouched: only the module's own constants become calls. */
export function deferRequires(source: string): string {
  const names: string[] = [];
  const deferred = source.replaceAll(TOP_LEVEL_REQUIRE, (_, name: string, wrap: string | undefined, target: string) => {
    names.push(name);
    const load = wrap === undefined ? `require("${target}")` : `${wrap}(require("${target}"))`;
    return `let $${name}; const $load_${name} = () => ($${name} ??= ${load});`;
  });
  return names.reduce(
    (text, name) => text.replaceAll(new RegExp(`(?<![\\w$.'"/])${name}(?![\\w$:'"/])`, "g"), `($load_${name}())`),
    deferred,
  );
}
