import type * as Yaml from "yaml";
import type { Document, LineCounter } from "yaml";

import type { Fault, FaultPath } from "./fault.ts";

/** Where something stands in a text; both count from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/**
 * Where faults stand in the YAML text that they were found in: at the key or value that each names, or at what stands
 * nearest around it. Aliases and merge keys are followed. Costs another reading of the text, so it is for faults only.
 */
export async function findPlaces(text: string, faults: readonly Fault[]): Promise<readonly TextPlace[]> {
  const { default: yaml } = await import("yaml");
  const counter = new yaml.LineCounter();
  const document = yaml.parseDocument(text, {
    schema: "core",
    uniqueKeys: false,
    prettyErrors: false,
    resolveKnownTags: false,
    lineCounter: counter,
  });
  const finder = new PlaceFinder(yaml, document, counter);
  return faults.map((fault) => finder.find(fault));
}

class PlaceFinder {
  readonly #yaml: (typeof Yaml)["default"];
  readonly #document: Document;
  readonly #counter: LineCounter;

  constructor(yaml: (typeof Yaml)["default"], document: Document, counter: LineCounter) {
    this.#yaml = yaml;
    this.#document = document;
    this.#counter = counter;
  }

  find({ path, at }: Fault): TextPlace {
    let node: unknown = this.#document.contents;
    let offset = 0;
    for (const [index, part] of path.entries()) {
      const found = this.#childOf(this.#resolved(node), part);
      if (found === undefined) break;
      node = found.value;
      const isLastKey = at === "key" && index === path.length - 1;
      offset = (isLastKey ? undefined : startOf(found.value)) ?? startOf(found.key) ?? offset;
    }
    const { line, col } = this.#counter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  #resolved(node: unknown): unknown {
    return this.#yaml.isAlias(node) ? node.resolve(this.#document) : node;
  }

  #childOf(node: unknown, part: FaultPath[number]): { readonly key: unknown; readonly value: unknown } | undefined {
    if (this.#yaml.isSeq(node)) return { key: undefined, value: node.items[Number(part)] };
    if (!this.#yaml.isMap(node)) return undefined;
    const own = node.items.find(({ key }) => this.#keyText(key) === String(part));
    return own ?? this.#mergedChildOf(node.items.find(({ key }) => this.#keyText(key) === "<<")?.value, part);
  }

  /** What a merge key brings in: from a mapping, or from the first of several that has it. */
  #mergedChildOf(merged: unknown, part: FaultPath[number]): { key: unknown; value: unknown } | undefined {
    const source = this.#resolved(merged);
    for (const mapping of this.#yaml.isSeq(source) ? source.items : [source]) {
      const target = this.#resolved(mapping);
      const found = this.#yaml.isMap(target) ? this.#childOf(target, part) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #keyText(key: unknown): string | undefined {
    if (!this.#yaml.isScalar(key)) return undefined;
    return typeof key.value === "string" ? key.value : (key.source ?? "");
  }
}

/** Where a node begins; `undefined` for a value that is not there. */
function startOf(node: unknown): number | undefined {
  if (typeof node !== "object" || node === null || !("range" in node)) return undefined;
  const range: unknown = node.range;
  return Array.isArray(range) && typeof range[0] === "number" ? range[0] : undefined;
}
