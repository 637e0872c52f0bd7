import { PassThrough } from "node:stream";
import { expect, it } from "vitest";

import { confirm } from "../../../src/cli/confirm.ts";

function ioWith(stdin: NodeJS.ReadableStream | undefined) {
  const printed: string[] = [];
  const output = { write: (text: string | Uint8Array) => printed.push(String(text)) };
  return { io: { stdout: output, stderr: output, stdin, env: {}, cwd: "/" }, printed };
}

it.each([
  ["y\n", true],
  [" Yes \n", true],
  ["n\n", false],
  ["\n", false],
  ["yesterday\n", false],
  ["", false],
])("takes %j for %s", async (answer, isYes) => {
  const stdin = new PassThrough();
  const { io, printed } = ioWith(stdin);
  const asked = confirm(io, "Go on?");
  stdin.end(answer);

  expect(await asked).toBe(isYes);
  expect(printed).toEqual(["Go on? [y/N] "]);
});

it("needs somebody to ask", async () => {
  await expect(confirm(ioWith(undefined).io, "Go on?")).rejects.toMatchObject({ code: "cli.confirmation_needed" });
});
