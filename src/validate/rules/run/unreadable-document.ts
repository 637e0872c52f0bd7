import type { RunRule } from "../../context.ts";

/**
 * Single values of a document that have not the expected shape: a warning, because aexp leaves them out and goes on.
 * A document that cannot be read at all is an error of the same code; the driver tells it, for no rule can see the run.
 */
export const unreadableDocument: RunRule = {
  code: "run.unreadable_document",
  check({ run }) {
    // A bad status and a bad link have codes of their own.
    const problems = run.document.problems.filter((text) => !/^(?:status|aexp|limina)[.:]/.test(text));
    if (problems.length === 0) return undefined;
    return { message: `values of the document cannot be read: ${problems.join("; ")}`, severity: "warning" };
  },
};
