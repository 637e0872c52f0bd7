import { findLeaks } from "../../../ledger/leak.ts";
import { parseExactObject } from "../../../model/exact-json-reader.ts";
import type { EntryRule } from "../../context.ts";

/** A text that begins with a slash, with `file:`, or with an escape that may hide either. */
const MAY_BE_PATH = /"\s*(?:[/\\]|file:)/i;

export const leaksLocalPath: EntryRule = {
  code: "ledger.leaks_local_path",
  check({ record, text }, { places }) {
    if (record.entry.local_path_allowed === true || !MAY_BE_PATH.test(text)) return undefined;
    const leaks = findLeaks(parseExactObject(text), places).filter(({ kind }) => kind === "local_path");
    if (leaks.length === 0) return undefined;
    const keys = leaks.map(({ path, problem }) => `${path} ${problem}`);
    return {
      message: `the entry names a folder of this machine: ${keys.join("; ")}`,
      detail: { keys: leaks.map(({ path }) => path) },
    };
  },
};
