import { ambiguousLink } from "./ambiguous-link.ts";
import { badReference } from "./bad-reference.ts";
import { conditionsSchema } from "./conditions-schema.ts";
import { danglingLink } from "./dangling-link.ts";
import { duplicateId } from "./duplicate-id.ts";
import { filename } from "./filename.ts";
import { filesystem } from "./filesystem.ts";
import { missingAlias } from "./missing-alias.ts";
import { missingBacklink } from "./missing-backlink.ts";
import { missingField } from "./missing-field.ts";
import { missingHeading } from "./missing-heading.ts";
import { missingLinksSection } from "./missing-links-section.ts";
import { outOfGraph } from "./out-of-graph.ts";
import { requiredLink } from "./required-link.ts";
import type { KbRule, NoteRule } from "./rule.ts";
import { unreadable } from "./unreadable.ts";
import { vocabulary } from "./vocabulary.ts";

/** What is asked of the knowledge base as a whole. */
export const KB_RULES: readonly KbRule[] = [filesystem, unreadable, filename, duplicateId, outOfGraph];

/** What is also asked of notes that the user does not want to hear about, because the reports are about others. */
export const FAR_RULES: readonly NoteRule[] = [missingBacklink];

/** What is asked of every note of the graph that can be read. */
export const NOTE_RULES: readonly NoteRule[] = [
  missingField,
  missingAlias,
  missingHeading,
  badReference,
  conditionsSchema,
  vocabulary,
  missingLinksSection,
  danglingLink,
  ambiguousLink,
  requiredLink,
  missingBacklink,
];
