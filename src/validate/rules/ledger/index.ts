import type { EntryRule } from "../../context.ts";
import { entryIdMismatch } from "./id-mismatch.ts";
import { filenameMismatch } from "./filename-mismatch.ts";
import { leaksLocalPath } from "./leaks-local-path.ts";
import { staleEntry } from "./stale.ts";

/** What is asked of every ledger entry that can be read. */
export const ENTRY_RULES: readonly EntryRule[] = [entryIdMismatch, filenameMismatch, leaksLocalPath, staleEntry];
