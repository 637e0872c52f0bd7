import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";

import { git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** The lines of the README's first minutes, as they are to be typed. */
function firstMinutes(): string {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const [, section = ""] = /\n## First minutes\n(.*?)\n## /s.exec(readme) ?? [];
  return [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, lines]) => lines).join("");
}

/** A repository with a training program and a remote, and an `aexp` on the path. */
function makePlace(): { readonly project: string; readonly env: NodeJS.ProcessEnv } {
  const place = tempDir();
  git(place, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git");
  const project = initRepo(join(place, "project"));
  const train =
    'import json, os, sys\nopen(os.environ["AEXP_METRICS_FILE"], "a").write(json.dumps({"step": 1, "loss": 8 / int(sys.argv[2])}) + "\\n")\n';
  writeFileSync(join(project, "train.py"), train);
  git(project, "add", "--all");
  git(project, "commit", "--quiet", "--message", "Train");
  git(project, "remote", "add", "origin", join(place, "remote.git"));
  git(project, "push", "--quiet", "--set-upstream", "origin", "main");
  const bin = join(place, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "aexp"), `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, "src", "main.ts")}' "$@"\n`);
  chmodSync(join(bin, "aexp"), 0o755);
  return { project, env: { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"]}` } };
}

describe("the README's first minutes", () => {
  it("work as they are written", () => {
    const { project, env } = makePlace();

    const { status, stdout, stderr } = spawnSync("sh", ["-ec", firstMinutes()], {
      cwd: project,
      env,
      encoding: "utf8",
    });

    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("queued 9 runs");
    expect(stdout).toMatch(/0 errors/);
    expect(git(project, "log", "-1", "--format=%s", "origin/main")).not.toBe("Train");
  });
});
