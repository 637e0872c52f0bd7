/**
 * Text that came from a file, a run or git, made safe for a terminal: escape sequences and control characters are
 * taken out, line breaks and tabs become spaces. Bidirectional overrides, which can disguise text, go as well.
 */
export function toSafeLine(text: string): string {
  return stripSequences(text).replaceAll(/[\t\r\n]+/g, " ");
}

/** Like {@link toSafeLine}, but line breaks and tabs stay. */
export function toSafeText(text: string): string {
  return stripSequences(text).replaceAll("\r\n", "\n").replaceAll("\r", "\n");
}

function stripSequences(text: string): string {
  return (
    text
      // Operating system commands and other strings, up to BEL or ST.
      .replaceAll(
        /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?/g,
        "",
      )
      // Control sequences.
      .replaceAll(/(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?/g, "")
      .replaceAll(/\u001b[ -/]*[0-~]?/g, "")
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "")
  );
}
