import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { isRunning, startAexp } from "../helpers/aexp-process.ts";
import { runCliJson } from "../helpers/cli.ts";
import { git } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { execute, makeTraining, placesOf, recordsOf } from "../helpers/training.ts";
import { waitUntil } from "../helpers/wait-until.ts";

/** The first time it ends well; later it tells who it is and stays, with a child that nothing but KILL ends. */
async function makeStaying(): Promise<{
  root: string;
  pids: () => Promise<readonly number[]>;
  jobId: string;
  gate: string;
}> {
  const folder = tempDir();
  const gate = join(folder, "gate");
  const { root } = await makeTraining(
    `test -e '${gate}' || exit 0\ntrap '' TERM INT\nsh -c 'trap "" TERM INT; while :; do sleep 0.05; done' &\necho "$$ $!" > '${folder}/pids.tmp'\nmv '${folder}/pids.tmp' '${folder}/pids'\nwait\nwhile :; do sleep 0.05; done\n`,
  );
  const jobId = await execute(root, ["sh", "train.sh"], "--sp", "a=1");
  const pids = async () =>
    await waitUntil("the program to run", () => {
      const path = join(folder, "pids");
      return existsSync(path) && readFileSync(path, "utf8").trim().split(" ").map(Number);
    });
  return { root, pids, jobId, gate };
}

describe("aexp reproduce, interrupted", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "leaves nothing running and nothing behind on %s",
    async (signal) => {
      const { root, pids, jobId, gate } = await makeStaying();
      const before = recordsOf(root);
      writeFileSync(gate, "");
      const aexp = startAexp(root, ["reproduce", jobId, "--json"], { AEXP_GRACE_S: "0.2" });
      const running = await pids();

      aexp.child.kill(signal);

      expect(await aexp.ended).toMatchObject({ exitCode: 130 });
      expect(running.filter(isRunning)).toEqual([]);
      expect(JSON.parse(aexp.printed.stdout)).toMatchObject({ job_id: jobId, verdict: "interrupted", folder: null });
      expect(recordsOf(root)).toEqual(before);
      expect(placesOf(root)).toEqual([]);
      expect(git(root, "worktree", "list").split("\n")).toHaveLength(1);
    },
  );

  it("is cleaned up by the next one when it was killed, its program included", async () => {
    const { root, pids, jobId, gate } = await makeStaying();
    writeFileSync(gate, "");
    const aexp = startAexp(root, ["reproduce", jobId]);
    const running = await pids();
    aexp.child.kill("SIGKILL");
    await aexp.ended;
    expect(running.every(isRunning)).toBe(true);
    rmSync(gate);

    const result = await runCliJson(root, ["reproduce", jobId]);

    expect(result).toMatchObject({ verdict: "same" });
    expect(running.filter(isRunning)).toEqual([]);
    expect(placesOf(root)).toEqual([]);
    expect(git(root, "worktree", "list").split("\n")).toHaveLength(1);
    expect(readdirSync(join(root, ".git")).filter((name) => name.startsWith("aexp-"))).toEqual([]);
  });
});
