/** What stands before the first `--` is ours; what follows is the command, whatever it looks like. */
export function splitAtDashes(argv: readonly string[]): { own: string[]; command: string[] } {
  const dashes = argv.indexOf("--");
  if (dashes === -1) return { own: [...argv], command: [] };
  return { own: argv.slice(0, dashes), command: argv.slice(dashes + 1) };
}
