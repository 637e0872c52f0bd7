import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A connection that goes through the proxy. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** What may happen to what a client sends. */
export type Interference =
  /** Cut as soon as the words come by, before the server has seen them. */
  | { readonly kind: "cut_before"; readonly words: string }
  /** The server sees the words, the client never its answer. */
  | { readonly kind: "cut_after"; readonly words: string }
  /** From the words on nothing goes either way, until everything is cut. */
  | { readonly kind: "hold"; readonly words: string };

/** A network between clients and a server that a test can break. */
export class Proxy {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #pairs = new Set<Pair>();
  #isDown = false;
  #interference: Interference | undefined;
  #lie: { readonly truth: RegExp | string; readonly told: string } | undefined;
  #lies = 0;
  /** The same database, through the proxy. */
  url = "";

  private constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#target = { host: hostname, port: Number(port) };
    this.#server = createServer((client) => this.#join(client));
  }

  static async open(url: string): Promise<Proxy> {
    const proxy = new Proxy(url);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    const address = proxy.#server.address();
    const through = new URL(url);
    if (address !== null && typeof address !== "string") through.port = String(address.port);
    proxy.url = through.href;
    return proxy;
  }

  /** Whether the last interference still waits for its words: a test that ends so has broken nothing. */
  get isArmed(): boolean {
    return this.#interference !== undefined;
  }

  /** How many answers were changed by {@link lie}. */
  get lies(): number {
    return this.#lies;
  }

  /** Once, at the next words. */
  interfere(interference: Interference): void {
    this.#interference = interference;
  }

  /** Puts other words into all answers. What follows must not depend on how long they are. */
  lie(truth: RegExp | string, told: string): void {
    this.#lie = { truth, told };
  }

  /** Cuts everything, and lets nothing through any more. */
  cut(): void {
    this.#isDown = true;
    for (const pair of this.#pairs) this.#break(pair);
  }

  mend(): void {
    this.#isDown = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(client: Socket): void {
    if (this.#isDown) {
      client.destroy();
      return;
    }
    const pair: Pair = { client, server: connect(this.#target) };
    this.#pairs.add(pair);
    for (const socket of [pair.client, pair.server]) {
      socket.on("error", () => {});
      socket.on("close", () => this.#break(pair));
    }
    let isMute = false;
    let isHeld = false;
    client.on("data", (bytes) => {
      const isHit = this.#interference !== undefined && bytes.includes(this.#interference.words);
      const kind = isHit ? this.#interference?.kind : undefined;
      if (isHit) this.#interference = undefined;
      if (kind === "cut_before") return this.#break(pair);
      if (kind === "cut_after") isMute = true;
      if (kind === "hold") isHeld = true;
      if (!isHeld) pair.server.write(bytes);
    });
    pair.server.on("data", (bytes) => {
      if (isMute) this.#break(pair);
      else if (!isHeld) client.write(this.#distort(bytes));
    });
  }

  #distort(bytes: Buffer): Buffer {
    if (this.#lie === undefined) return bytes;
    const { truth, told } = this.#lie;
    const before = bytes.toString("latin1");
    const after = before.replaceAll(truth, told);
    if (after !== before) this.#lies += 1;
    return Buffer.from(after, "latin1");
  }

  #break(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.client.destroy();
    pair.server.destroy();
  }
}
