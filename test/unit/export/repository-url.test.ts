import { expect, it } from "vitest";

import { toRepositoryUrl } from "../../../src/export/repository-url.ts";

it.each([
  ["git@github.com:ana/exp.git", "https://github.com/ana/exp"],
  ["https://ana:secret@git.example.org/lab/exp.git", "https://git.example.org/lab/exp"],
  ["https://git.example.org:8443/lab/exp/", "https://git.example.org:8443/lab/exp"],
  ["ssh://git@git.example.org:22/lab/exp.git", "https://git.example.org/lab/exp"],
  ["/home/ana/exp.git", undefined],
  ["file:///home/ana/exp.git", undefined],
  ["../exp", undefined],
  ["C:\\work\\exp", undefined],
  ["", undefined],
  [undefined, undefined],
])("makes %j %j", (remote, url) => {
  expect(toRepositoryUrl(remote)).toBe(url);
});
