import type { Plugin } from "esbuild";
import { readFileSync } from "node:fs";

/** Compiled CommonJS of oclif: `const x_1 = require("./x")`, possibly wrapped in an interop helper. */
const TOP_LEVEL_REQUIRE = /^const (\w+) = (__importDefault|__importStar)?\(?require\("([^"]+)"\)\)?;$/gm;

/**
 * Puts off the requires at the top of oclif's modules until a name is first used.
 *
 * oclif loads its help, plugin, prompt and template code to run any command; that is 19 ms, nearly as much as the start
 * of Node itself, and almost none of it is used. Measured: `aexp version` takes 2.3 × `node -e 0` without this, 1.6 × with.
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

/** oclif opens stdout when it is loaded, to swallow one error that `cli/process-io.ts` deals with. */
const STDOUT_HANDLER = /^process\.stdout\.on\('error', [^]*?^\}\);$/m;

/** Rewrites the source of one module. Exported names are untouched: only the module's own constants become calls. */
export function deferRequires(source: string): string {
  const names: string[] = [];
  const deferred = source
    .replace(STDOUT_HANDLER, "")
    .replaceAll(TOP_LEVEL_REQUIRE, (_, name: string, wrap: string | undefined, target: string) => {
      names.push(name);
      const load = wrap === undefined ? `require("${target}")` : `${wrap}(require("${target}"))`;
      return `let $${name}; const $load_${name} = () => ($${name} ??= ${load});`;
    });
  return names.reduce(
    (text, name) => text.replaceAll(new RegExp(`(?<![\\w$.'"/])${name}(?![\\w$:'"/])`, "g"), `($load_${name}())`),
    deferred,
  );
}

/** Modules of Node that take milliseconds to load, and that most commands never call. */
const LAZY_BUILTINS = ["child_process", "crypto", "fs/promises", "timers/promises", "worker_threads"];

/**
 * Takes Node's own modules from `process.getBuiltinModule` instead of importing them, and some of them only when one of
 * their functions is first called. An import makes Node build a module namespace with every export, which loads what
 * hides behind getters; that is 4 ms, and `node:crypto` alone 8. Our sources import in the ordinary way; of the lazy
 * ones they may import functions only.
 */
export const quickBuiltins: Plugin = {
  name: "quick-builtins",
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path, kind, importer }) =>
      kind === "import-statement" && !importer.includes("node_modules") ? { path, namespace: "builtin" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "builtin" }, async ({ path }) => {
      const module: Record<string, unknown> = await import(path);
      const names = Object.keys(module).filter((name) => name !== "default");
      return {
        contents: LAZY_BUILTINS.includes(path.slice(5))
          ? exportLazily(path, module, names)
          : exportPlainly(path, names),
      };
    });
  },
};

function exportLazily(path: string, module: Readonly<Record<string, unknown>>, names: readonly string[]): string {
  const functions = names.filter((name) => /^[a-z]/.test(name) && typeof module[name] === "function");
  return `const load = () => process.getBuiltinModule(${JSON.stringify(path)});
${functions.map((name) => `export const ${name} = (...args) => load().${name}(...args);`).join("\n")}`;
}

function exportPlainly(path: string, names: readonly string[]): string {
  // The annotation lets the bundler leave out what nobody imports, so that no getter is touched in vain.
  return `const module = process.getBuiltinModule(${JSON.stringify(path)});
${names.map((name) => `export const ${name} = /* @__PURE__ */ (() => module.${name})();`).join("\n")}`;
}
