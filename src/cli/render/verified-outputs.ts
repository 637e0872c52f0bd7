import type { Verification, VerifiedOutput } from "../../app/verify-outputs.ts";
import type { Screen } from "../screen.ts";
import { renderBytes } from "./bytes.ts";
import { shortDigest } from "./digest.ts";
import { type Column, renderTable } from "./table.ts";

/** An output that was read again, as `--json` prints it. */
export interface VerifiedOutputJson {
  readonly job_id: string;
  readonly output: string;
  readonly digest: string | null;
  readonly machine: string;
  /** `touched`: the same, but with other times, so that it is not reused. */
  readonly result: Verification["state"] | "touched";
  /** Its digest now, when that is another one. */
  readonly found?: string;
  /** Items of a stream that differ. */
  readonly items?: readonly string[];
  readonly message?: string;
}

export function toVerifiedOutputJson({ run, output, verification }: VerifiedOutput): VerifiedOutputJson {
  const common = {
    job_id: run,
    output: output.name,
    digest: output.digest ?? null,
    machine: output.machine,
    result: wordOf(verification),
  };
  if (verification.state === "unreadable") return { ...common, message: verification.message };
  if (verification.state !== "changed") return common;
  const { digest: found, items } = verification;
  return { ...common, ...(found !== undefined && { found }), ...(items !== undefined && { items }) };
}

/** A line for each output. */
export function renderVerifiedOutputs(verified: readonly VerifiedOutput[], screen: Screen): string {
  const columns: readonly Column<VerifiedOutput>[] = [
    { name: "run", isFixed: true, value: ({ run }) => run.slice(0, 8), style: () => "yellow" },
    { name: "output", value: ({ output }) => output.name },
    { name: "digest", value: ({ output }) => shortDigest(output.digest) },
    { name: "size", isFixed: true, align: "right", value: ({ output }) => renderBytes(output.bytes) },
    {
      name: "result",
      isFixed: true,
      value: ({ verification }) => wordOf(verification),
      style: ({ verification }) => STYLES[verification.state],
    },
    { name: "why", header: "", value: whyOf },
  ];
  return renderTable(columns, verified, { width: screen.width, color: screen.color });
}

const STYLES = {
  same: "green",
  missing: "red",
  changed: "red",
  unreadable: "red",
  elsewhere: undefined,
  unrecorded: "red",
} as const satisfies Readonly<Record<Verification["state"], string | undefined>>;

function wordOf(verification: Verification): VerifiedOutputJson["result"] {
  return verification.state === "same" && verification.isTouched ? "touched" : verification.state;
}

function whyOf({ output, verification }: VerifiedOutput): string {
  switch (verification.state) {
    case "same":
      return verification.isTouched ? "the same bytes with other times: it is not reused" : "";
    case "missing":
      return "";
    case "changed":
      return verification.items === undefined
        ? `it is ${shortDigest(verification.digest)}`
        : `items that differ: ${verification.items.join(", ")}`;
    case "unreadable":
      return verification.message;
    case "elsewhere":
      return `it is on ${output.machine}, and not here`;
    case "unrecorded":
      return "nothing is left that says where it lies";
  }
}
