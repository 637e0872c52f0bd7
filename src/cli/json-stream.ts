import type { Output } from "./io.ts";

const CHUNK_LENGTH = 64 * 1024;

/**
 * Prints JSON texts as one array, one item a line, or as lines of their own. A hundred thousand runs are never one
 * string this way.
 */
export function writeJsonItems(output: Output, texts: Iterable<string>, form: "array" | "lines"): void {
  let chunk = form === "array" ? "[" : "";
  let separator = form === "array" ? "\n" : "";
  for (const text of texts) {
    chunk += separator + text;
    separator = form === "array" ? ",\n" : "\n";
    if (chunk.length < CHUNK_LENGTH) continue;
    output.write(chunk);
    chunk = "";
  }
  const end = form === "array" ? (separator === "\n" ? "]\n" : "\n]\n") : separator;
  output.write(chunk + end);
}
