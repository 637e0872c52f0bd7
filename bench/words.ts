/** How numbers are written in the report. */
export function ms(seconds: number): string {
  return seconds < 10 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
}

export function us(seconds: number): string {
  return `${Math.round(seconds * 1e6)} µs`;
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}
