/** The kinds of notes that have an id, in the order in which research goes. */
export const NOTE_KINDS = [
  "thread",
  "hypothesis",
  "experiment",
  "finding",
  "literature",
  "challenge-review",
  "strategic-review",
] as const;
export type NoteKind = (typeof NOTE_KINDS)[number];

declare const artifactId: unique symbol;

/** The id of a note: the prefix of its kind and at least three digits, as in `H001`. */
export type ArtifactId = string & { readonly [artifactId]: true };

/** A frontmatter field that names another note. */
export interface Reference {
  readonly field: string;
  /** Kinds that it may name; `any` for every note of the knowledge base. */
  readonly to: NoteKind | "any";
}

/** What makes a kind of note what it is. */
export interface NoteShape {
  readonly prefix: string;
  /** Relative to the knowledge base. */
  readonly folder: string;
  /** File name of its template. */
  readonly template: string;
  readonly requiredFields: readonly string[];
  /** Its parents, each of which links back. */
  readonly parents: readonly Reference[];
  /** Words that fields may have. */
  readonly vocabularies: Readonly<Record<string, readonly string[]>>;
  /** Whether a note must have the `## ` sections of its template. */
  readonly hasFixedSections: boolean;
}

const IMPACTS = ["CRITICAL", "HIGH", "MEDIUM", "LOW"] as const;

/** What is asked of the notes of each kind, and where they lie. */
export const NOTE_SHAPES: Readonly<Record<NoteKind, NoteShape>> = {
  thread: {
    prefix: "T",
    folder: "research/threads",
    template: "thread.md",
    requiredFields: ["status", "created"],
    parents: [],
    vocabularies: { status: ["PROPOSED", "EXPLORING", "PROMOTED", "CLOSED"] },
    hasFixedSections: true,
  },
  hypothesis: {
    prefix: "H",
    folder: "research/hypotheses",
    template: "hypothesis.md",
    requiredFields: ["status", "created"],
    parents: [{ field: "thread", to: "thread" }],
    vocabularies: { status: ["PROPOSED", "TESTING", "CONFIRMED", "REJECTED"] },
    hasFixedSections: true,
  },
  experiment: {
    prefix: "E",
    folder: "research/experiments",
    template: "experiment.md",
    requiredFields: ["status", "hypothesis", "created"],
    parents: [{ field: "hypothesis", to: "hypothesis" }],
    vocabularies: { status: ["DESIGNED", "RUNNING", "COMPLETED", "FAILED"] },
    hasFixedSections: true,
  },
  finding: {
    prefix: "F",
    folder: "research/findings",
    template: "finding.md",
    requiredFields: ["hypothesis", "experiment", "impact", "created"],
    parents: [
      { field: "hypothesis", to: "hypothesis" },
      { field: "experiment", to: "experiment" },
    ],
    vocabularies: { impact: IMPACTS },
    hasFixedSections: true,
  },
  literature: {
    prefix: "L",
    folder: "research/literature",
    template: "literature.md",
    requiredFields: ["source_type", "date_reviewed", "relevance"],
    parents: [],
    vocabularies: {},
    hasFixedSections: false,
  },
  "challenge-review": {
    prefix: "CR",
    folder: "reports",
    template: "challenge-review.md",
    requiredFields: ["target", "requested_by", "reviewer", "date"],
    parents: [{ field: "target_id", to: "any" }],
    vocabularies: {},
    hasFixedSections: false,
  },
  "strategic-review": {
    prefix: "SR",
    folder: "reports",
    template: "strategic-review.md",
    requiredFields: ["scope", "challenge_review", "date"],
    parents: [{ field: "challenge_review", to: "challenge-review" }],
    vocabularies: {},
    hasFixedSections: false,
  },
};

/** Notes with one place each, and the `## ` sections that they have. */
export const SPECIAL_NOTES = {
  ACTIVE: {
    path: "ACTIVE.md",
    headings: ["Current Objective", "Next Step", "Blocker"],
    links: ["CHALLENGE"],
  },
  CHALLENGE: {
    path: "mission/CHALLENGE.md",
    headings: ["Objective", "Context", "Success Criteria", "Constraints"],
    links: ["ACTIVE", "DASHBOARD"],
  },
  DASHBOARD: { path: "DASHBOARD.md", headings: ["Entry Points"], links: ["ACTIVE", "CHALLENGE"] },
} as const satisfies Readonly<
  Record<string, { readonly path: string; readonly headings: readonly string[]; readonly links: readonly string[] }>
>;
export type SpecialNote = keyof typeof SPECIAL_NOTES;

const KIND_OF_PREFIX: ReadonlyMap<string, NoteKind> = new Map(
  NOTE_KINDS.map((kind) => [NOTE_SHAPES[kind].prefix, kind]),
);
const ARTIFACT_ID = /^(CR|SR|[EFHLT])(\d{3,})$/;
const NOTE_FILE = /^((?:CR|SR|[EFHLT])\d{3,})(?:-(.+))?\.md$/;

/** The kind that an id names; `undefined` for a text that is no id. */
export function kindOfId(id: string): NoteKind | undefined {
  return KIND_OF_PREFIX.get(ARTIFACT_ID.exec(id)?.[1] ?? "");
}

export function isArtifactId(text: string): text is ArtifactId {
  return ARTIFACT_ID.test(text);
}

/** The number in an id: 12 of `H012`. */
export function numberOfId(id: ArtifactId): number {
  return Number(id.replace(/^\D+/, ""));
}

/** The id of a kind with a number: `H012`. */
export function toArtifactId(kind: NoteKind, number: number): ArtifactId {
  const id = `${NOTE_SHAPES[kind].prefix}${String(number).padStart(3, "0")}`;
  if (isArtifactId(id)) return id;
  throw new RangeError(`no note has the number ${number}`);
}

/** The id that a file name begins with, as in `H001-slow-start.md`; also of `H001.md`. */
export function idOfFileName(name: string): ArtifactId | undefined {
  const id = NOTE_FILE.exec(name)?.[1];
  return id !== undefined && isArtifactId(id) ? id : undefined;
}

/** The rest of a file name: `slow-start` of `H001-slow-start.md`; empty without one. */
export function slugOfFileName(name: string): string {
  return NOTE_FILE.exec(name)?.[2] ?? "";
}

const MAX_SLUG_LENGTH = 60;

/** A title as part of a file name: `[a-z0-9-]`, at most 60 characters, `untitled` when nothing is left of it. */
export function toSlug(title: string): string {
  const words = title
    .normalize("NFKD")
    .replace(/\p{Mark}+/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-/, "");
  const slug = words.slice(0, MAX_SLUG_LENGTH).replace(/-$/, "");
  return slug === "" ? "untitled" : slug;
}
