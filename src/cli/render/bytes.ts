const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

/** "12 bytes", "3.4 MiB": three significant digits in the largest unit that fits. */
export function renderBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${UNITS[unit] ?? ""}`;
}
