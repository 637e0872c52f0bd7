import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, it } from "vitest";

import { runCli } from "../helpers/cli.ts";
import { git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const BIN = join(import.meta.dirname, "..", "..", "bin", "aexp.js");

it("the pre-push hook lets a backed claim out and keeps an unbacked one in", async () => {
  const place = tempDir();
  const root = initRepo(join(place, "project"));
  git(place, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git");
  git(root, "remote", "add", "origin", join(place, "remote.git"));
  mkdirSync(join(place, "bin"));
  writeFileSync(join(place, "bin", "aexp"), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`, { mode: 0o755 });
  const env = { ...process.env, PATH: [join(place, "bin"), process.env["PATH"]].join(delimiter) };
  await runCli(root, ["install", "--git-hooks"]);
  execFileSync("git", ["add", "--all"], { cwd: root });
  git(root, "commit", "--quiet", "--message", "Install aexp");

  const sound = spawnSync("git", ["push", "--quiet", "-u", "origin", "main"], { cwd: root, env, encoding: "utf8" });
  const citation = '  - { type: job, id: "0123456789abcdef0123456789abcdef" }';
  writeFileSync(join(root, "kb/research/findings/F001-claim.md"), `---\nsupporting_runs:\n${citation}\n---\n# F001\n`);
  git(root, "add", "--all");
  git(root, "commit", "--quiet", "--message", "Claim something");
  const unbacked = spawnSync("git", ["push", "--quiet"], { cwd: root, env, encoding: "utf8" });

  expect(sound).toMatchObject({ status: 0, stdout: "" });
  expect(unbacked.status).toBe(1);
  expect(unbacked.stderr).toContain("finding.broken_run_citation");
  expect(git(join(place, "remote.git"), "log", "--format=%s")).toBe("Install aexp");
});
