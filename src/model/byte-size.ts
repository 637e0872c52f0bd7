import { AexpError } from "./errors.ts";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/**
 * Bytes of `500MB`, `2 GiB`, `1.5GB`; a number without a unit is bytes.
 *
 * @param source - what the text is the value of, for the message
 * @throws {AexpError} `cli.usage`
 */
export function parseByteSize(text: string, source?: string): number {
  const [, amount, unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(text) ?? [];
  const factor = UNITS[unit.toUpperCase()];
  const bytes = Math.round(Number(amount) * (factor ?? Number.NaN));
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new AexpError(`${source === undefined ? "" : `${source}=`}${JSON.stringify(text)} is not a number of bytes`, {
    code: "cli.usage",
    hint: "Write it like 500MB, 2GiB or 1000000.",
  });
}
