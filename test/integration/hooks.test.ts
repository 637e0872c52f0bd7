import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { deliverEvent } from "../../src/app/run-hooks.ts";
import type { Repo } from "../../src/app/repo.ts";
import type { OutboxItem, QueueEvent } from "../../src/queue/queue-store.ts";
import { openQueue } from "../../src/wiring/open-queue.ts";
import { openRepo } from "../../src/wiring/open-repo.ts";
import { isRunning } from "../helpers/aexp-process.ts";
import { type CliResult, runCli } from "../helpers/cli.ts";
import { makeProject } from "../helpers/project.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { waitUntil } from "../helpers/wait-until.ts";

/** A clone with hooks, and a user with a home of their own. */
class Clone {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly warnings: string[] = [];

  constructor(root: string, home = tempDir()) {
    this.root = root;
    this.env = { ...process.env, HOME: home, XDG_STATE_HOME: undefined };
  }

  static async with(hooks: string, scripts: Readonly<Record<string, string>> = {}): Promise<Clone> {
    const { root } = await makeProject();
    const clone = new Clone(root);
    clone.write("aexp.yaml", `hooks:\n${hooks}\n`);
    for (const [name, text] of Object.entries(scripts)) clone.write(name, text);
    return clone;
  }

  write(name: string, text: string): void {
    const path = join(this.root, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, 0o755);
  }

  read(name: string): string {
    return readFileSync(join(this.root, name), "utf8");
  }

  has(name: string): boolean {
    return existsSync(join(this.root, name));
  }

  async aexp(...argv: string[]): Promise<CliResult> {
    return await runCli(this.root, argv, { env: this.env });
  }

  open(): Repo {
    const warn = (message: string) => this.warnings.push(message);
    return openRepo({ folder: this.root, cwd: this.root, env: this.env, warn });
  }
}

function eventItem(kind: QueueEvent["kind"] = "run.ended", id = 7): OutboxItem {
  const data = { id, at: 1_700_000_000_000, kind, runId: "a".repeat(32), groupId: "grp_1", data: { state: "failed" } };
  return { id: id + 100, topic: "event", dedupe: `event:${id}`, data, tries: 0 };
}

const KEEP = '#!/bin/sh\ncat > event.json\necho "$AEXP_EVENT" > kind\n';

describe("hooks", () => {
  it("run once they are trusted, and read the event", async () => {
    const clone = await Clone.with(
      "  run.ended: [notify.sh, [sh, -c, 'cat > second.json']]\n  run.queued: ['touch no']",
      {
        "notify.sh": KEEP,
      },
    );
    expect(await clone.aexp("trust", "--yes")).toMatchObject({ exitCode: 0 });
    await deliverEvent(clone.open(), eventItem());

    expect(JSON.parse(clone.read("event.json"))).toEqual({
      id: 7,
      at: "2023-11-14T22:13:20Z",
      kind: "run.ended",
      run_id: "a".repeat(32),
      group_id: "grp_1",
      data: { state: "failed" },
    });
    expect(clone.read("second.json")).toBe(clone.read("event.json"));
    expect(clone.read("kind")).toBe("run.ended\n");
    expect(clone.has("no")).toBe(false);
  });

  it("are told of what really happens in a queue", async () => {
    const clone = await Clone.with("  lock.broken: ['cat > event.json']");
    await clone.aexp("trust", "--yes");
    const repo = clone.open();
    await using store = await openQueue(repo);
    await store.acquireLock("db", "me", 60_000, "me");
    await store.breakLock("db");
    for (const item of await store.takeOutbox(10, 1000, "event")) await deliverEvent(repo, item);

    expect(JSON.parse(clone.read("event.json"))).toMatchObject({
      kind: "lock.broken",
      run_id: null,
      group_id: null,
      data: { key: "db", holder: "me", fence: 1 },
    });
  });

  it("do not run untrusted: one warning says what to do, and nothing fails", async () => {
    const clone = await Clone.with("  run.ended: [notify.sh]", { "notify.sh": KEEP });
    const repo = clone.open();
    for (let n = 0; n < 3; n += 1) await deliverEvent(repo, eventItem());
    await deliverEvent(repo, eventItem("run.queued"));

    expect(clone.has("event.json")).toBe(false);
    expect(clone.warnings).toEqual([
      "the hooks of aexp.yaml are not trusted on this machine, so none of them runs; look at them and agree with `aexp trust`",
    ]);
    // A worker that is at work already need not be started again.
    await clone.aexp("trust", "--yes");
    await deliverEvent(repo, eventItem());
    expect(clone.has("event.json")).toBe(true);
  });

  it.each([
    ["a hook", (clone: Clone) => clone.write("aexp.yaml", "hooks:\n  run.ended: [notify.sh, 'touch evil']\n")],
    ["a script", (clone: Clone) => clone.write("notify.sh", `${KEEP}touch evil\n`)],
    ["a file that a script is given", (clone: Clone) => clone.write("hooks/text.txt", "evil")],
    ["a file that was not there", (clone: Clone) => clone.write("sh", KEEP)],
  ])("stop running when %s changes, and start again when it is as before", async (_what, change) => {
    const clone = await Clone.with("  run.ended: [notify.sh, 'sh notify.sh hooks/text.txt']", {
      "notify.sh": KEEP,
      "hooks/text.txt": "fine",
    });
    await clone.aexp("trust", "--yes");
    const repo = clone.open();
    await deliverEvent(repo, eventItem());
    change(clone);
    await deliverEvent(repo, eventItem("run.ended", 8));

    expect(clone.read("event.json")).toContain('"id":7');
    expect(clone.has("evil")).toBe(false);
    expect(clone.warnings).toEqual([expect.stringContaining("changed since you trusted them")]);
    expect((await clone.aexp("trust", "--dry-run")).stdout).toContain("They are not what you trusted before.");
    await clone.aexp("trust", "--yes");
    await deliverEvent(repo, eventItem("run.ended", 9));
    expect(clone.read("event.json")).toContain('"id":9');
  });

  it("are trusted by their user only: an agreement that came with the repository counts for nothing", async () => {
    const mine = await Clone.with("  run.ended: [notify.sh]", { "notify.sh": KEEP });
    await mine.aexp("trust", "--yes");
    const other = new Clone(mine.root);
    await other.aexp("trust", "--revoke");
    await mine.aexp("trust", "--yes");
    await deliverEvent(other.open(), eventItem());
    expect(other.has("event.json")).toBe(false);

    const copy = await Clone.with("  run.ended: [notify.sh]", { "notify.sh": KEEP });
    mkdirSync(join(copy.root, ".aexp"), { recursive: true });
    copyFileSync(join(mine.root, ".aexp", "trusted.json"), join(copy.root, ".aexp", "trusted.json"));
    expect((await new Clone(copy.root, mine.env["HOME"]).aexp("trust", "--dry-run")).stdout).toContain(
      "You do not trust them.",
    );
    expect((await mine.aexp("trust", "--dry-run")).stdout).toContain("You trust them already.");
  });

  it("that fail are told by what they said, so that the event is delivered again", async () => {
    const clone = await Clone.with("  run.ended: [bad.sh, 'touch good', 'kill -9 $$', not-there]", {
      "bad.sh": "#!/bin/sh\necho first\necho 'no \u001b[31mnetwork' >&2\nexit 3\n",
    });
    await clone.aexp("trust", "--yes");
    const failure = deliverEvent(clone.open(), eventItem());

    await expect(failure).rejects.toMatchObject({ code: "hook.failed" });
    await expect(failure).rejects.toThrow('the hook "bad.sh" ended with exit 3: no network');
    await expect(failure).rejects.toThrow('the hook "kill -9 $$" was killed by SIGKILL');
    await expect(failure).rejects.toThrow('the hook "not-there" ended with exit 127');
    expect(clone.has("good")).toBe(true);
  });

  it("need not read the event, and may leave their output open", async () => {
    const clone = await Clone.with("  run.ended: ['true', 'setsid sleep 60 & echo $! > pid']");
    await clone.aexp("trust", "--yes");
    const startMs = performance.now();
    await deliverEvent(clone.open(), eventItem());

    expect(performance.now() - startMs).toBeLessThan(10_000);
    process.kill(Number(clone.read("pid")), "SIGKILL");
  });

  it("leave nothing running in their process group", async () => {
    const clone = await Clone.with("  run.ended: ['sleep 60 & echo $! > pid']");
    await clone.aexp("trust", "--yes");
    await deliverEvent(clone.open(), eventItem());

    expect(isRunning(Number(clone.read("pid")))).toBe(false);
  });

  it("are ended with all that they started when they take too long", async () => {
    const clone = await Clone.with("  run.ended: [slow.sh]", {
      "slow.sh": "#!/bin/sh\ntrap '' TERM\nsleep 600 &\necho \"$$ $!\" > pids\nwait\nsleep 600\n",
    });
    await clone.aexp("trust", "--yes");
    const failure = deliverEvent(clone.open(), eventItem(), 1000);

    await expect(failure).rejects.toThrow('the hook "slow.sh" took longer than 1 s and was ended');
    const pids = await waitUntil("the process ids", () => clone.has("pids") && clone.read("pids").trim().split(" "));
    expect(pids.map(Number).filter(isRunning)).toEqual([]);
  });

  it("that cannot be read are no reason to forget an event", async () => {
    const clone = await Clone.with("  run.end: [x]");
    await expect(deliverEvent(clone.open(), eventItem())).rejects.toThrow('Did you mean "run.ended"?');
  });
});

describe("aexp trust", () => {
  it("shows what there is to agree to, and asks for a flag where nobody can answer", async () => {
    const clone = await Clone.with('  run.ended: ["notify.sh \\e[31m"]', { "notify.sh": KEEP });
    const { stdout, stderr, exitCode } = await clone.aexp("trust");

    expect(exitCode).toBe(2);
    expect(stdout).toMatch(
      /^hooks of aexp\.yaml:\n {2}run\.ended {2}notify\.sh \nfiles of .*:\n {2}[0-9a-f]{12} {2}notify\.sh\n$/,
    );
    expect(stderr).toContain("call it again with --yes");
    expect(clone.has(".aexp/trusted.json")).toBe(false);
  });

  it("keeps the agreement in a file for the user's eyes, and takes it back", async () => {
    const clone = await Clone.with("  run.ended: ['true']");
    expect(JSON.parse((await clone.aexp("trust", "--yes", "--json")).stdout)).toEqual({
      trust: "trusted",
      hooks: [{ event: "run.ended", command: "true" }],
      policies: [],
      files: [],
    });
    expect(statSync(join(clone.root, ".aexp", "trusted.json")).mode & 0o777).toBe(0o600);
    const key = join(clone.env["HOME"] ?? "", ".local", "state", "aexp", "trust.key");
    expect(statSync(key).mode & 0o777).toBe(0o600);

    expect(await clone.aexp("trust", "--revoke")).toMatchObject({
      exitCode: 0,
      stdout: "no hook and no policy runs on this machine any more\n",
    });
    expect(await clone.aexp("trust", "--revoke")).toMatchObject({ exitCode: 0, stdout: "nothing was trusted\n" });
    expect(JSON.parse((await clone.aexp("trust", "--dry-run", "--json")).stdout)).toMatchObject({ trust: "untrusted" });
  });

  it("does not ask with --json, which shows nothing, nor without hooks", async () => {
    const clone = await Clone.with("  run.ended: ['true']");
    expect((await clone.aexp("trust", "--json")).exitCode).toBe(2);
    const { root } = await makeProject();
    expect((await new Clone(root).aexp("trust")).stdout).toBe("aexp.yaml has no hooks and no policies\n");
  });

  it("says what to do when the key cannot be kept", async () => {
    const clone = await Clone.with("  run.ended: ['true']");
    const file = join(tempDir(), "file");
    writeFileSync(file, "");
    const { exitCode, stderr } = await runCli(clone.root, ["trust", "--yes"], {
      env: { ...clone.env, XDG_STATE_HOME: file },
    });

    expect(exitCode).toBe(2);
    expect(stderr).toContain("cannot be used as the key of trust");
    expect(stderr).toContain("XDG_STATE_HOME");
  });

  it("has a line in doctor", async () => {
    const clone = await Clone.with("  run.ended: ['true']");
    expect((await clone.aexp("doctor")).stdout).toContain("so none of them runs\n");
    await clone.aexp("trust", "--yes");
    expect((await clone.aexp("doctor")).stdout).toMatch(/✓ hooks +1, trusted\n/);
  });
});
