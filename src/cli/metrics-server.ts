import type { IncomingMessage, ServerResponse } from "node:http";

import { AexpError, messageOf } from "../model/errors.ts";

/** Only programs of this machine may ask. */
const LOOPBACK = "127.0.0.1";
/** Other names could be pages in a browser that were given our address. */
const HOSTS = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/i;
const TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Answers `GET /metrics` until it is left. */
export interface MetricsServer extends AsyncDisposable {
  readonly url: string;
}

/**
 * Serves a text of metrics on this machine.
 *
 * @param port any free one, when 0
 * @param read makes the text; never called again before it is done
 * @throws {AexpError} `worker.port_unusable`
 */
export async function serveMetrics(port: number, read: () => Promise<string>): Promise<MetricsServer> {
  const { createServer } = await import("node:http");
  let reading: Promise<string> | undefined;
  const readOnce = (): Promise<string> =>
    (reading ??= read().finally(() => {
      reading = undefined;
    }));
  const server = createServer((request, response) => void answer(request, response, readOnce));
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, LOOPBACK, resolve);
    });
  } catch (error) {
    throw new AexpError(`metrics cannot be served on port ${port}: ${messageOf(error)}`, {
      code: "worker.port_unusable",
      hint: "Choose another --metrics-port; 0 takes any that is free.",
    });
  }
  const address = server.address();
  const actual = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${LOOPBACK}:${actual}/metrics`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  { method, url = "", headers }: IncomingMessage,
  response: ServerResponse,
  read: () => Promise<string>,
): Promise<void> {
  if (!HOSTS.test(headers.host ?? "")) return end(response, 403, "only this machine may ask\n");
  if (url.split("?", 1)[0] !== "/metrics") return end(response, 404, "there is only /metrics\n");
  if (method !== "GET") return end(response, 405, "there is only GET\n");
  try {
    end(response, 200, await read());
  } catch (error) {
    end(response, 503, `${messageOf(error)}\n`);
  }
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": TYPE, ...(status === 405 ? { allow: "GET" } : {}) }).end(text);
}
