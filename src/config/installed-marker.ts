import type { InstalledMarker } from "../generated/installed.ts";
import { isInstalled } from "../generated/validators.js";

export type { InstalledMarker };

/** Where the run store is when the marker does not say. */
export const DEFAULT_RUN_STORE_PATH = ".runs";

/** Reads the text of `.aexp/installed.json`; `undefined` when it is not an object of the expected shape. */
export function parseInstalledMarker(text: string): InstalledMarker | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isInstalled(value) ? value : undefined;
  } catch {
    // A marker that cannot be read counts as absent; the caller warns.
    return undefined;
  }
}
