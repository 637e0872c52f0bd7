import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

/** Runs git in a folder and returns what it prints; throws with git's own words. */
export function git(cwd: string, ...args: string[]): string {
  return execFileSync("git", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trimEnd();
}

/** Makes `path` a repository with a local user, no signing and no background maintenance. */
export function initRepo(path: string): string {
  mkdirSync(path, { recursive: true });
  git(path, "init", "--quiet", "--initial-branch=main");
  configureRepo(path);
  return path;
}

export function configureRepo(path: string): void {
  for (const [key, value] of Object.entries({
    "user.name": "Test",
    "user.email": "test@example.org",
    "commit.gpgsign": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
  })) {
    git(path, "config", key, value);
  }
}
