/** Graphs of tiny commands, and how each tool is told of them. */

/** A command that writes a file of its name, and the commands whose files it reads. */
export interface Node {
  readonly name: string;
  readonly sources: readonly string[];
}

/** So many commands of a long graph wait for nothing. */
const WIDTH = 10;

/** One command, many that read from it, and one that reads from all of those. */
export function diamond(size: number): readonly Node[] {
  const middle = Array.from({ length: size - 2 }, (_, index) => `m${index}`);
  const sides = middle.map((name): Node => ({ name, sources: ["top"] }));
  return [{ name: "top", sources: [] }, ...sides, { name: "bottom", sources: middle }];
}

/** Chains of commands side by side. */
export function chains(size: number): readonly Node[] {
  return Array.from({ length: size }, (_, index) => ({
    name: `s${index}`,
    sources: index < WIDTH ? [] : [`s${index - WIDTH}`],
  }));
}

/** For `aexp pipeline run`. */
export function toPipeline(nodes: readonly Node[]): string {
  const stages = nodes.flatMap((node) => {
    const command = toCommand(node, (name) => `{inputs.${name}}`, "{outputs.o}");
    const inputs = node.sources.map((source) => `${source}: {stage: ${source}}`).join(", ");
    return [`  ${node.name}:`, `    command: ${command}`, `    inputs: {${inputs}}`, "    outputs: {o: {path: o}}"];
  });
  return ["name: bench", "stages:", ...stages, ""].join("\n");
}

/** For `make`. */
export function toMakefile(nodes: readonly Node[]): string {
  const rules = nodes.map((node) => `${node.name}: ${node.sources.join(" ")}\n\t${toCommand(node)}\n`);
  return [`all: ${nodes.at(-1)?.name ?? ""}\n`, ...rules].join("\n");
}

/** For `snakemake`. */
export function toSnakefile(nodes: readonly Node[]): string {
  const rules = nodes.map((node) => {
    const inputs = node.sources.map((source) => `"${source}"`).join(", ");
    return `rule ${node.name}:\n    input: ${inputs}\n    output: "${node.name}"\n    shell: "${toCommand(node)}"\n`;
  });
  return [`rule all:\n    input: "${nodes.at(-1)?.name ?? ""}"\n`, ...rules].join("\n");
}

/** For `dvc repro`. */
export function toDvcFile(nodes: readonly Node[]): string {
  const stages = nodes.flatMap((node) => {
    const deps = node.sources.map((source) => `"${source}"`).join(", ");
    return [`  ${node.name}:`, `    cmd: ${toCommand(node)}`, `    deps: [${deps}]`, `    outs: ["${node.name}"]`];
  });
  return ["stages:", ...stages, ""].join("\n");
}

/** The same command for each tool, which names the files in its own way. */
function toCommand({ name, sources }: Node, toInput = (source: string): string => source, output = name): string {
  return `cat ${sources.map(toInput).join(" ")} < /dev/null > ${output}; echo ${name} >> ${output}`;
}
