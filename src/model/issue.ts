/** How much an issue weighs: only errors fail a validation. */
export type Severity = "error" | "warning";

/** One thing that the validator reports. */
export interface Issue {
  /** `area.problem`; never renamed or reused. */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** Relative to the repository root, with forward slashes. */
  readonly path?: string;
  /** 1-based line in `path`. */
  readonly line?: number;
  readonly detail?: Readonly<Record<string, string | number | readonly string[]>>;
}
