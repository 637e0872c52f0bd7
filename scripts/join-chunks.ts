import { build, type Metafile } from "esbuild";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";

/** Files of shared code that become one file. */
interface Group {
  /** Name of the file, in the output folder. */
  readonly name: string;
  /** Outputs whose shared code it holds. */
  readonly entries: readonly string[];
}

const CHUNK = /^chunk-[A-Z0-9]+\.js$/;
const IMPORT = /import(?:\{([^}]*)\}from)?"(?:\.{1,2}\/)+(chunk-[A-Z0-9]+\.js)"/g;

/**
 * Makes one file of the shared code that the named entries load at once. The bundler splits shared code by who shares
 * it, into many small files, and each costs Node a third of a millisecond: `aexp validate` read 27 and reads 4.
 *
 * @param folder the output folder
 */
export async function joinChunks(folder: string, meta: Metafile, groups: readonly Group[]): Promise<void> {
  const joined = new Map<string, { readonly file: string; readonly index: number }>();
  for (const { name, entries } of groups) {
    const chunks = [...sharedBy(meta, entries)].filter((chunk) => !joined.has(chunk));
    const exports = chunks.map((chunk, index) => reexport(meta, chunk, index));
    for (const [index, chunk] of chunks.entries()) joined.set(chunk, { file: name, index });
    await build({
      stdin: { contents: exports.join("\n"), resolveDir: folder },
      outfile: join(folder, name),
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node24",
      minify: true,
      keepNames: false,
      logLevel: "warning",
      plugins: [
        {
          name: "only-these",
          setup(bundler) {
            bundler.onResolve({ filter: /^\.{1,2}\// }, ({ path }) =>
              chunks.includes(basename(path)) ? undefined : { path, external: true },
            );
          },
        },
      ],
    });
  }
  const files = Object.keys(meta.outputs).map((path) => join(folder, relative("dist", path)));
  for (const file of files) if (joined.has(basename(file))) rmSync(file);
  for (const file of [
    ...files.filter((path) => !joined.has(basename(path))),
    ...groups.map(({ name }) => join(folder, name)),
  ]) {
    if (!file.endsWith(".js")) continue;
    const up = relative(join(file, ".."), folder) || ".";
    writeFileSync(file, rewriteImports(readFileSync(file, "utf8"), joined, up.startsWith(".") ? up : `./${up}`));
  }
}

/** Lets a file import the joined files instead of the chunks that went into them. */
export function rewriteImports(
  source: string,
  joined: ReadonlyMap<string, { readonly file: string; readonly index: number }>,
  folder: string,
): string {
  return source.replaceAll(IMPORT, (whole, names: string | undefined, chunk: string) => {
    const target = joined.get(chunk);
    if (target === undefined) return whole;
    const path = JSON.stringify(`${folder}/${target.file}`);
    if (names === undefined) return `import${path}`;
    const renamed = names.split(",").map((name) => {
      const [outer = "", inner = outer] = name.split(" as ");
      return `${exportedAs(target.index, outer)} as ${inner}`;
    });
    return `import{${renamed.join(",")}}from${path}`;
  });
}

/** The chunks that some outputs load before they run, directly or not, the innermost first. */
function sharedBy(meta: Metafile, entries: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const chunks = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const inner of meta.outputs[path]?.imports ?? []) if (inner.kind === "import-statement") visit(inner.path);
    if (CHUNK.test(basename(path))) chunks.add(basename(path));
  };
  for (const entry of entries) visit(entry);
  return chunks;
}

function reexport(meta: Metafile, chunk: string, index: number): string {
  const { exports } = meta.outputs[join("dist", chunk)] ?? { exports: [] };
  const names = exports.map((name) => `${name} as ${exportedAs(index, name)}`).join(", ");
  return `export { ${names} } from ${JSON.stringify(`./${chunk}`)};`;
}

function exportedAs(index: number, name: string): string {
  return `c${index}_${name}`;
}
