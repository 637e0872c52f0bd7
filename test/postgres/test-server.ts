import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";

const START_MS = 60_000;
/** PostgreSQL refuses to run as root, so that is given away. */
const OTHER_USER = "nobody";

/** A real PostgreSQL server on loopback, in a folder of its own. Needs the folder of its programs in AEXP_POSTGRES_BIN. */
export class TestServer {
  readonly url: string;
  readonly #folder: string;
  readonly #port: number;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number, password: string) {
    this.#folder = folder;
    this.#port = port;
    this.url = `postgres://aexp:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
  }

  static async make(): Promise<TestServer> {
    const folder = mkdtempSync(join(tmpdir(), "aexp-postgres-"));
    const data = join(folder, "data");
    const passwordFile = join(folder, "password");
    // With all that has a meaning in a URL.
    const password = `${randomBytes(6).toString("hex")}:/@?#%`;
    mkdirSync(data, { mode: 0o700 });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    for (const path of [folder, data, passwordFile]) giveAway(path);
    const argv = [
      "-D",
      data,
      "-U",
      "aexp",
      "-A",
      "scram-sha-256",
      `--pwfile=${passwordFile}`,
      "-E",
      "UTF8",
      "--locale=C",
    ];
    execFileSync(program("initdb"), [...argv, "--no-sync"], { stdio: "pipe", ...userOptions(), cwd: folder });
    return new TestServer(folder, await freePort(), password);
  }

  /** A file in the server's folder, owned by it and readable by nobody else. */
  addFile(name: string, content: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, content);
    chmodSync(path, 0o600);
    giveAway(path);
    return path;
  }

  /** @param more settings like `ssl=on` */
  async start(more: readonly string[] = []): Promise<void> {
    const settings = [
      `port=${this.#port}`,
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "fsync=off",
      "max_connections=200",
      ...more,
    ].flatMap((setting) => ["-c", setting]);
    const log = join(this.#folder, "log");
    this.#process = spawn(
      "sh",
      ["-c", 'exec "$0" "$@" >>"$LOG" 2>&1', program("postgres"), "-D", join(this.#folder, "data"), ...settings],
      {
        stdio: "ignore",
        env: { ...process.env, LOG: log },
        cwd: this.#folder,
        ...userOptions(),
      },
    );
    const { pid } = this.#running();
    // Tests that are given up leave no server behind.
    process.once("exit", () => {
      if (this.#process?.pid === pid) this.#process?.kill("SIGINT");
    });
    await this.#untilReady(log);
  }

  /** Like `kill -9` of the server and all that it started: nothing is written any more. */
  async kill(): Promise<void> {
    const { pid } = this.#running();
    const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" });
    for (const victim of [pid, ...children.trim().split(/\s+/).map(Number)]) {
      try {
        process.kill(Number(victim), "SIGKILL");
      } catch {
        // It went on its own.
      }
    }
    await this.#gone();
  }

  /** Ends all sessions and stops. */
  async stop(): Promise<void> {
    this.#running().kill("SIGINT");
    await this.#gone();
  }

  async remove(): Promise<void> {
    if (this.#process !== undefined) await this.stop();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #running(): ChildProcess {
    if (this.#process === undefined) throw new Error("the server was not started");
    return this.#process;
  }

  async #gone(): Promise<void> {
    const child = this.#running();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    this.#process = undefined;
  }

  async #untilReady(log: string): Promise<void> {
    const deadline = performance.now() + START_MS;
    for (;;) {
      const client = new Client({ connectionString: this.url });
      client.on("error", () => {});
      try {
        await client.connect();
        return;
      } catch (error) {
        if (this.#running().exitCode !== null || performance.now() > deadline) {
          throw new Error(`the server does not start:\n${readFileSync(log, "utf8")}`, { cause: error });
        }
      } finally {
        await client.end().catch(() => {});
      }
      await sleep(50);
    }
  }
}

function program(name: string): string {
  const folder = process.env["AEXP_POSTGRES_BIN"];
  if (folder === undefined)
    throw new Error("AEXP_POSTGRES_BIN is not set; run these tests with `npm run test:postgres`");
  return join(folder, name);
}

function otherUser(): { readonly uid: number; readonly gid: number } | undefined {
  return process.getuid?.() === 0 ? { uid: idOf("-u"), gid: idOf("-g") } : undefined;
}

function idOf(flag: "-u" | "-g"): number {
  return Number(execFileSync("id", [flag, OTHER_USER], { encoding: "utf8" }));
}

function userOptions(): { readonly uid?: number; readonly gid?: number } {
  return otherUser() ?? {};
}

function giveAway(path: string): void {
  const user = otherUser();
  if (user !== undefined) chownSync(path, user.uid, user.gid);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
