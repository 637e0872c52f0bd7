import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, connect } from "node:net";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { hasLiveMember, identifyProcess, isSameProcessAlive } from "../../src/executor/local/process-identity.ts";
import type { ProcessRecord } from "../../src/run/document.ts";
import { isProcessRecord } from "../../src/run/process-record.ts";
import {
  DAEMONS,
  type DaemonName,
  renderGresConf,
  renderSlurmConf,
  renderSlurmdbdConf,
  type SlurmPorts,
} from "./settings.ts";

const execute = promisify(execFile);
/** All that a cluster starts carries this variable with its folder, so that nothing else is ever taken for it. */
const MARK = "AEXP_SLURM_TEST";
/** The daemons are there, where ordinary users do not look. */
const SEARCH_PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/local/sbin`;

/** How a cluster is set up. */
export interface ClusterOptions {
  /** Without accounting there is no slurmdbd and no MariaDB, and `sacct` fails. */
  readonly hasAccounting: boolean;
  /** CPUs of its one node, which may be more than the machine has. */
  readonly cpus: number;
}

/**
 * A real SLURM of this one machine, for tests: its daemons run as ordinary processes on loopback, and everything that
 * they write is in one folder. The folder must have a short path, because of the sockets in it.
 */
export class SlurmCluster {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Sets a new cluster up in an empty folder. Nothing is started. */
  static async create(folder: string, options: ClusterOptions): Promise<SlurmCluster> {
    // Munge refuses a socket that not everybody can reach.
    chmodSync(folder, 0o755);
    for (const name of ["etc", "log", "run", "state", "spool", "munge"]) {
      mkdirSync(join(folder, name), { recursive: true, mode: 0o755 });
    }
    const [controller = 0, database = 0, sql = 0, node = 0] = await freePorts(4);
    const ports: SlurmPorts = { controller, database, sql, node };
    const { username } = userInfo();
    const facts = { folder, host: hostname().split(".")[0] ?? hostname(), user: username, ports, ...options };
    writeFileSync(join(folder, "munge", "munge.key"), crypto.getRandomValues(new Uint8Array(128)), { mode: 0o400 });
    writeFileSync(join(folder, "etc", "plugstack.conf"), "");
    writeFileSync(join(folder, "etc", "slurm.conf"), renderSlurmConf(facts));
    writeFileSync(join(folder, "etc", "gres.conf"), renderGresConf());
    if (options.hasAccounting) {
      writeFileSync(join(folder, "etc", "slurmdbd.conf"), renderSlurmdbdConf(facts), { mode: 0o600 });
    }
    return new SlurmCluster(folder);
  }

  /** What the commands of SLURM need to find this cluster. */
  get env(): { readonly SLURM_CONF: string } {
    return { SLURM_CONF: join(this.folder, "etc", "slurm.conf") };
  }

  get #names(): readonly DaemonName[] {
    const hasAccounting = existsSync(join(this.folder, "etc", "slurmdbd.conf"));
    return DAEMONS.filter((name) => hasAccounting || (name !== "mariadbd" && name !== "slurmdbd"));
  }

  /** Starts what is not running, and returns once jobs can be submitted. */
  async start(): Promise<void> {
    for (const name of this.#names) await this.startDaemon(name);
    await this.#until("the node to be usable", async () => {
      const { stdout } = await this.run(
        "sinfo",
        "--noheader",
        "--Node",
        "--nodes=n1",
        "--partition=main",
        "--format=%T",
      );
      return /^(?:idle|mixed|allocated|completing)\s*$/.test(stdout);
    });
  }

  /** Starts one daemon, unless it runs, and waits until it answers. */
  async startDaemon(name: DaemonName): Promise<void> {
    if (this.#living(name) === undefined) {
      if (name === "mariadbd") await this.#makeDatabase();
      this.#spawn(name);
    }
    await this.#until(`${name} to answer`, () => this.#answers(name), name);
    if (name === "slurmdbd") await this.#registerCluster();
  }

  /** The process of a daemon; `undefined` when it does not run. */
  pidOf(name: DaemonName): number | undefined {
    return this.#living(name)?.pid;
  }

  /** Ends one daemon, and waits until it is gone. */
  async stopDaemon(name: DaemonName, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const record = this.#living(name);
    if (record === undefined) return;
    process.kill(record.pid, signal);
    const deadline = performance.now() + 20_000;
    while (isSameProcessAlive(record)) {
      if (performance.now() > deadline) process.kill(record.pid, "SIGKILL");
      await sleep(50);
    }
  }

  /** Ends the cluster with all its jobs, and nothing else. */
  async stop(): Promise<void> {
    if (this.#living("slurmctld") !== undefined) {
      await this.run("scancel", "--full", "--signal=KILL", `--user=${userInfo().username}`).catch(() => undefined);
      await this.run("scancel", `--user=${userInfo().username}`).catch(() => undefined);
    }
    for (const name of this.#names.toReversed()) await this.stopDaemon(name);
    for (const pid of this.#marked()) process.kill(pid, "SIGKILL");
  }

  /** Runs a command of SLURM. */
  async run(program: string, ...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    return await execute(program, args, { env: this.#processEnv(), encoding: "utf8", timeout: 20_000 });
  }

  #processEnv(): Record<string, string | undefined> {
    return { ...process.env, PATH: SEARCH_PATH, TZ: "UTC", [MARK]: this.folder, ...this.env };
  }

  #path(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  #spawn(name: DaemonName): void {
    const log = openSync(this.#path("log", `${name}.out`), "a");
    const child: ChildProcess = spawn(name, this.#arguments(name), {
      cwd: this.folder,
      env: this.#processEnv(),
      detached: true,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    child.on("error", (error) => appendFileSync(this.#path("log", `${name}.out`), `${error.message}\n`));
    if (child.pid === undefined) return;
    child.unref();
    const record = identifyProcess(child.pid, child.pid);
    writeFileSync(this.#path("run", `${name}.json`), JSON.stringify(record ?? {}));
  }

  #arguments(name: DaemonName): string[] {
    switch (name) {
      case "munged": {
        const munge = (file: string): string => this.#path("munge", file);
        return [
          "--foreground",
          `--socket=${munge("munge.sock")}`,
          `--key-file=${munge("munge.key")}`,
          `--pid-file=${munge("munged.pid")}`,
          `--seed-file=${munge("munged.seed")}`,
          `--log-file=${this.#path("log", "munged.log")}`,
        ];
      }
      case "mariadbd":
        return [
          ...this.#databaseArguments(),
          "--bind-address=127.0.0.1",
          `--port=${this.#setting("StoragePort", "slurmdbd.conf")}`,
          `--socket=${this.#path("run", "sql.sock")}`,
          `--pid-file=${this.#path("run", "sql.pid")}`,
          `--init-file=${this.#path("etc", "init.sql")}`,
          "--skip-log-bin",
        ];
      case "slurmdbd":
      case "slurmctld":
        return ["-D"];
      case "slurmd":
        return ["-D", "-N", "n1"];
    }
  }

  async #answers(name: DaemonName): Promise<boolean> {
    switch (name) {
      case "munged":
        return await this.#succeeds("munge", "--socket", this.#path("munge", "munge.sock"), "--no-input");
      case "mariadbd":
        return await isOpen(Number(this.#setting("StoragePort", "slurmdbd.conf")));
      case "slurmdbd":
        return await this.#succeeds("sacctmgr", "--noheader", "show", "cluster");
      case "slurmctld":
        return (await this.run("scontrol", "ping")).stdout.includes("is UP");
      case "slurmd":
        return this.#living("slurmd") !== undefined;
    }
  }

  async #succeeds(program: string, ...args: readonly string[]): Promise<boolean> {
    await this.run(program, ...args);
    return true;
  }

  #databaseArguments(): string[] {
    return [
      "--no-defaults",
      `--user=${userInfo().username}`,
      `--datadir=${this.#path("sql")}`,
      "--skip-name-resolve",
      "--innodb-buffer-pool-size=128M",
      "--innodb-log-file-size=64M",
      "--innodb-lock-wait-timeout=900",
      "--innodb-flush-log-at-trx-commit=0",
      "--innodb-doublewrite=0",
      "--max-allowed-packet=16M",
    ];
  }

  /** The system tables as the server's own files make them; its installation script wants programs of more packages. */
  async #makeDatabase(): Promise<void> {
    const done = this.#path("run", "database-made");
    if (existsSync(done)) return;
    rmSync(this.#path("sql"), { recursive: true, force: true });
    mkdirSync(this.#path("sql"), { mode: 0o700 });
    const share = "/usr/share/mysql";
    const files = ["mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"];
    const script = ["create database if not exists mysql;", "use mysql;", "SET @auth_root_socket=NULL;"].concat(
      files.map((file) => readFileSync(join(share, file), "utf8")),
    );
    const bootstrap = execute("mariadbd", [...this.#databaseArguments(), "--bootstrap", "--log-warnings=0"], {
      env: this.#processEnv(),
    });
    bootstrap.child.stdin?.end(`${script.join("\n")}\n`);
    await bootstrap;
    const grants = ["127.0.0.1", "localhost"].flatMap((host) => [
      `CREATE USER IF NOT EXISTS 'slurm'@'${host}' IDENTIFIED BY 'slurm';`,
      `GRANT ALL ON slurm_acct.* TO 'slurm'@'${host}';`,
    ]);
    writeFileSync(
      this.#path("etc", "init.sql"),
      ["CREATE DATABASE IF NOT EXISTS slurm_acct;", ...grants, ""].join("\n"),
    );
    writeFileSync(done, "");
  }

  async #registerCluster(): Promise<void> {
    const { stdout } = await this.run("sacctmgr", "--noheader", "--parsable2", "show", "cluster", "format=cluster");
    if (stdout.split("\n").includes("test")) return;
    await this.run("sacctmgr", "-i", "-Q", "add", "cluster", "test");
    await this.run("sacctmgr", "-i", "-Q", "add", "account", "lab");
    await this.run("sacctmgr", "-i", "-Q", "add", "user", userInfo().username, "account=lab");
  }

  #setting(key: string, file: string): string {
    const text = readFileSync(this.#path("etc", file), "utf8");
    return new RegExp(`^${key}=(.*)$`, "m").exec(text)?.[1] ?? "";
  }

  #living(name: DaemonName): ProcessRecord | undefined {
    const path = this.#path("run", `${name}.json`);
    const record: unknown = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
    return isProcessRecord(record) && isSameProcessAlive(record) ? record : undefined;
  }

  /** Processes that bear our mark: steps of jobs whose daemon is gone, and what they have left. */
  #marked(): readonly number[] {
    return readdirSync("/proc").flatMap((name) => {
      if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
      try {
        const lines = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
        return lines.includes(`${MARK}=${this.folder}`) && hasLiveMember(Number(name)) ? [Number(name)] : [];
      } catch {
        return []; // gone, or not ours to look at
      }
    });
  }

  async #until(what: string, probe: () => Promise<boolean>, name?: DaemonName): Promise<void> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      if (await probe().catch(() => false)) return;
      if (performance.now() > deadline) {
        throw new Error(`waited a minute for ${what}\n${name === undefined ? "" : this.#lastWords(name)}`);
      }
      await sleep(50);
    }
  }

  #lastWords(name: DaemonName): string {
    return [`${name}.out`, `${name}.log`]
      .map((file) => this.#path("log", file))
      .filter((path) => existsSync(path))
      .map((path) => readFileSync(path, "utf8").split("\n").slice(-15).join("\n"))
      .join("\n");
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer().listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
