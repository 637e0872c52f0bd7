/** A digest by its first twelve digits; a text that is none as it is. */
export function shortDigest(text: string | undefined): string {
  return text === undefined ? "" : text.replace(/^((?:sha256|stat):[0-9a-f]{12})[0-9a-f]{52}$/, "$1");
}
