import { onTestFinished, vi } from "vitest";

import { runCli } from "./cli.ts";

/** What oclif's help prints; it writes to the process's own stdout, whatever streams a command has. */
export async function captureHelp(argv: readonly string[]): Promise<string> {
  let text = "";
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  onTestFinished(() => spy.mockRestore());
  try {
    await runCli("/", argv);
  } finally {
    spy.mockRestore();
  }
  return text;
}
