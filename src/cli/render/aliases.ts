import { toInstant } from "../../model/clock.ts";
import type { Alias } from "../../queue/alias.ts";
import type { Screen } from "../screen.ts";
import { shortDigest } from "./digest.ts";
import { type Column, renderTable } from "./table.ts";
import { renderInstant } from "./time.ts";

/** One version of an alias as `--json` prints it. */
export interface AliasJson {
  readonly alias: string;
  readonly version: number;
  readonly job_id: string;
  readonly output: string | null;
  /** What the output was when the alias was set. */
  readonly digest: string | null;
  readonly set_at: string;
  readonly caller: string;
}

export function toAliasJson({ name, version, run, output, digest, setAt, caller }: Alias): AliasJson {
  return {
    alias: name,
    version,
    job_id: run,
    output: output ?? null,
    digest: digest ?? null,
    set_at: toInstant(setAt),
    caller,
  };
}

/** A line for each version. */
export function renderAliases(aliases: readonly Alias[], screen: Screen): string {
  const columns: readonly Column<Alias>[] = [
    { name: "alias", value: ({ name }) => name },
    { name: "version", isFixed: true, align: "right", value: ({ version }) => String(version) },
    { name: "run", isFixed: true, value: ({ run }) => run.slice(0, 8), style: () => "yellow" },
    { name: "output", value: ({ output }) => output ?? "" },
    { name: "digest", value: ({ digest }) => shortDigest(digest) },
    { name: "set", isFixed: true, value: ({ setAt }) => renderInstant(toInstant(setAt), screen) },
    { name: "by", value: ({ caller }) => caller },
  ];
  return renderTable(columns, aliases, { width: screen.width, color: screen.color });
}
