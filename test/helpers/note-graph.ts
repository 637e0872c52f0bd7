import fc from "fast-check";

import { folderOf } from "../../src/kb/note-place.ts";
import { NOTE_SHAPES, NOTE_KINDS, type NoteKind } from "../../src/kb/artifact.ts";
import { OWN_TEMPLATES } from "../../src/kb/own-templates.ts";

/** A note of a generated graph, in parts that a test can leave out. */
export interface GeneratedNote {
  readonly id: string;
  readonly kind: NoteKind;
  readonly path: string;
  /** Fields that name parents, as they are written. */
  readonly fields: readonly string[];
  readonly links: readonly GeneratedLink[];
  readonly aliases: readonly string[];
  readonly style: NoteStyle;
}

export interface GeneratedLink {
  readonly to: string;
  /** The line, without its end. */
  readonly line: string;
  readonly missing: "kb.required_link" | "kb.missing_backlink";
}

interface NoteStyle {
  readonly eol: "\n" | "\r\n";
  readonly hasMark: boolean;
  readonly endsWithEol: boolean;
  readonly aliases: "flow" | "block" | "quoted";
  readonly link: number;
  readonly field: number;
  readonly tail: string;
}

const STYLE: fc.Arbitrary<NoteStyle> = fc.record({
  eol: fc.constantFrom("\n", "\r\n"),
  hasMark: fc.boolean(),
  endsWithEol: fc.boolean(),
  aliases: fc.constantFrom("flow", "block", "quoted"),
  link: fc.nat(4),
  field: fc.nat(4),
  tail: fc.constantFrom("", "\n## After the links\n\n[[not checked]]\n", "\n### Below\n\nWords.\n"),
});

/** Which earlier note of the right kind a parent field names, if any. */
const PARENT = fc.nat(1000);

/** Sound graphs of notes: every note names parents, and both link each other. */
export const NOTE_GRAPH: fc.Arbitrary<readonly GeneratedNote[]> = fc
  .array(
    fc.record({ kind: fc.constantFrom(...NOTE_KINDS), style: STYLE, parents: fc.array(PARENT, { size: "small" }) }),
    {
      maxLength: 12,
      size: "max",
    },
  )
  .map((drafts) => buildGraph(drafts));

interface Draft {
  readonly kind: NoteKind;
  readonly style: NoteStyle;
  readonly parents: readonly number[];
}

interface Node extends Draft {
  readonly id: string;
  readonly path: string;
  readonly parentIds: Map<string, string>;
}

function buildGraph(drafts: readonly Draft[]): readonly GeneratedNote[] {
  const nodes: Node[] = [];
  for (const draft of drafts) {
    const { kind, parents } = draft;
    const parentIds = new Map<string, string>();
    let isComplete = true;
    for (const [index, { field, to }] of NOTE_SHAPES[kind].parents.entries()) {
      const known = nodes.filter((node) => to === "any" || node.kind === to);
      const chosen = known[(parents[index] ?? 0) % Math.max(1, known.length)];
      const isRequired = NOTE_SHAPES[kind].requiredFields.includes(field);
      if (chosen !== undefined && (isRequired || parents[index] !== undefined)) parentIds.set(field, chosen.id);
      else if (isRequired) isComplete = false;
    }
    // A finding is about the hypothesis of its experiment.
    const experiment = nodes.find(({ id }) => id === parentIds.get("experiment"));
    const tested = experiment?.parentIds.get("hypothesis");
    if (kind === "finding" && tested !== undefined) parentIds.set("hypothesis", tested);
    if (!isComplete) continue;
    const number = nodes.filter((node) => node.kind === kind).length + 1;
    const id = `${NOTE_SHAPES[kind].prefix}${String(number).padStart(3, "0")}`;
    nodes.push({ ...draft, id, path: `${folderOf(kind)}/${id}-a ${kind}.md`, parentIds });
  }
  return nodes.map((node): GeneratedNote => {
    const parents = [...new Set(node.parentIds.values())];
    const children = nodes.filter((other) => [...other.parentIds.values()].includes(node.id)).map(({ id }) => id);
    const linkTo = (to: string, missing: GeneratedLink["missing"]): GeneratedLink => {
      const target = nodes.find(({ id }) => id === to);
      return { to, missing, line: `- ${linkText(to, target?.path ?? "", node.style.link)}` };
    };
    return {
      ...node,
      aliases: [node.id],
      fields: [...node.parentIds].map(([field, id]) => {
        const path = nodes.find((other) => other.id === id)?.path ?? "";
        return `${field}: ${fieldText(id, path, node.style.field)}`;
      }),
      links: [
        ...parents.map((id) => linkTo(id, "kb.required_link")),
        ...children.map((id) => linkTo(id, "kb.missing_backlink")),
      ],
    };
  });
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1, -3);
}

function linkText(id: string, path: string, style: number): string {
  return (
    [`[[${id}]]`, `[[${nameOf(path)}|words]]`, `[[${path}]]`, `![[${id}#Links]]`, `see [[${id}^block]].`][style] ?? ""
  );
}

function fieldText(id: string, path: string, style: number): string {
  return [id, `"[[${id}]]"`, `"[[${nameOf(path)}|words]]"`, `[[${id}]]`, `"${nameOf(path)}"`][style] ?? "";
}

/** The text of a note. */
export function textOfNote({ id, kind, fields, links, aliases, style }: GeneratedNote): string {
  const { requiredFields, vocabularies } = NOTE_SHAPES[kind];
  const values = requiredFields
    .filter((field) => !fields.some((line) => line.startsWith(`${field}:`)))
    .map((field) => `${field}: ${vocabularies[field]?.[0] ?? "something"}`);
  const headings = OWN_TEMPLATES[kind].match(/^## (?!Links).*$/gm) ?? [];
  const body = [`# ${id}: Words`, "", ...headings.flatMap((heading) => [heading, ""]), "## Links"];
  const text = [
    "---",
    "# a comment",
    ...aliasLines(aliases, style.aliases),
    ...values,
    ...fields,
    ...(kind === "finding" ? ["supporting_runs:", "  - { type: batch, experiment_id: E001 }"] : []),
    "---",
    ...body,
    ...links.map(({ line }) => line),
    ...style.tail.split("\n").slice(0, -1),
  ].join(style.eol);
  return `${style.hasMark ? "\ufeff" : ""}${text}${style.endsWithEol ? style.eol : ""}`;
}

function aliasLines(aliases: readonly string[], style: NoteStyle["aliases"]): readonly string[] {
  const all = ["other words", ...aliases];
  if (style === "block") return ["aliases:", ...all.map((alias) => `  - ${alias}`)];
  return [`aliases: [${all.map((alias) => (style === "quoted" ? `"${alias}"` : alias)).join(", ")}]`];
}
