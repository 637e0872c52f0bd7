/**
 * Generates TypeScript types and ahead-of-time compiled validators from `schemas/*.schema.json`.
 * With `--check` nothing is written; a difference fails.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Ajv2020 } from "ajv/dist/2020.js";
import standaloneCode from "ajv/dist/standalone/index.js";
import { compile } from "json-schema-to-typescript";

const ROOT = join(import.meta.dirname, "..");
const OUT = join(ROOT, "src", "generated");
const isCheck = process.argv.includes("--check");
const BANNER = "// Generated from schemas/ by `npm run generate`. Do not edit.\n";

const files = readdirSync(join(ROOT, "schemas"))
  .filter((name) => name.endsWith(".schema.json"))
  .toSorted();
const schemas = files.map((name) => ({
  name: name.replace(".schema.json", ""),
  schema: JSON.parse(readFileSync(join(ROOT, "schemas", name), "utf8")),
}));

const ajv = new Ajv2020({
  schemas: schemas.map(({ schema }) => schema),
  code: { source: true, esm: true },
  allErrors: true,
  allowUnionTypes: true,
});
const refs = Object.fromEntries(schemas.map(({ name, schema }) => [validatorName(name), schema.$id]));
// ajv's `default` interop differs between bundlers and Node's own loader.
const toSource: typeof standaloneCode.default = Reflect.get(standaloneCode, "default") ?? standaloneCode;

for (const { name, schema } of schemas) {
  const text = await compile(schema, schema.title, {
    bannerComment: "",
    additionalProperties: false,
    cwd: join(ROOT, "schemas"),
    format: false,
    unknownAny: true,
    strictIndexSignatures: true,
  });
  write(`${name}.ts`, `${BANNER}${text}`);
}
const validators = toSource(ajv, refs);
if (validators.includes("require(")) throw new Error("a schema needs ajv at run time; say it with `pattern` instead");
write("validators.js", `${BANNER}${validators}\n`);

const imports = schemas.map(({ name, schema }) => `import type { ${schema.title} } from "./${name}.ts";`);
const declarations = schemas.map(
  ({ name, schema }) => `export declare const ${validatorName(name)}: Validator<${schema.title}>;`,
);
write(
  "validators.d.ts",
  `${BANNER}import type { ErrorObject } from "ajv";
${imports.join("\n")}

/** A compiled schema: true when the value has its shape; otherwise \`errors\` says why, until the next call. */
export interface Validator<T> {
  (value: unknown): value is T;
  readonly errors?: readonly ErrorObject[] | null;
}
${declarations.join("\n")}
`,
);

function validatorName(name: string): string {
  return `is${name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}`;
}

function write(name: string, text: string): void {
  const path = join(OUT, name);
  if (isCheck) {
    if (readFileSync(path, "utf8") !== text) {
      process.stderr.write(`src/generated/${name} is not what schemas/ say; run \`npm run generate\`\n`);
      process.exitCode = 1;
    }
    return;
  }
  mkdirSync(OUT, { recursive: true });
  writeFileSync(path, text);
}
