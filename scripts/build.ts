/** Bundles `src/` and every dependency into `dist/`: one entry, one chunk per command, what they share split out. */
import { build, type BuildOptions, type Metafile } from "esbuild";
import { existsSync, globSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { joinChunks } from "./join-chunks.ts";
import { lazyRequires, quickBuiltins } from "./lazy-requires.ts";

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");

rmSync(DIST, { recursive: true, force: true });
const COMMON: BuildOptions & { readonly metafile: true } = {
  absWorkingDir: ROOT,
  outbase: "src",
  outdir: "dist",
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node24",
  minify: true,
  keepNames: true,
  legalComments: "none",
  metafile: true,
  alias: { debug: "./scripts/silent-debug.cjs" },
  plugins: [lazyRequires, quickBuiltins],
  // What CommonJS packages expect to find around them.
  banner: {
    js: 'const require=process.getBuiltinModule("node:module").createRequire(import.meta.url),__filename=import.meta.filename,__dirname=import.meta.dirname;',
  },
  logLevel: "warning",
};
const { metafile } = await build({
  ...COMMON,
  entryPoints: ["src/main.ts", ...globSync("src/commands/**/*.ts", { cwd: ROOT })],
  splitting: true,
});
// Nothing shared: the supervisor's process and a thread must stay small, and shared code is joined into large files.
await build({ ...COMMON, entryPoints: ["src/exec.ts", "src/hash-thread.ts"] });
await joinChunks(DIST, metafile, [
  { name: "base.js", entries: ["dist/main.js", "dist/commands/version.js"] },
  { name: "validate.js", entries: ["dist/commands/validate.js"] },
]);
writeFileSync(join(DIST, "THIRD-PARTY-LICENSES.txt"), thirdPartyLicenses(metafile));

/** The licences of the packages whose code is in the bundle, as their terms ask. */
function thirdPartyLicenses(meta: Metafile): string {
  const folders = new Set(
    Object.keys(meta.inputs).flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  );
  return [...folders]
    .toSorted()
    .map(describePackage)
    .join(`\n${"-".repeat(80)}\n`);
}

function describePackage(folder: string): string {
  const path = join(ROOT, folder);
  const { name, version, license }: { name: string; version: string; license: string } = JSON.parse(
    readFileSync(join(path, "package.json"), "utf8"),
  );
  const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file !== undefined && existsSync(join(path, file)) ? readFileSync(join(path, file), "utf8").trim() : "";
  return `${name} ${version} (${license})\n\n${text}\n`;
}
