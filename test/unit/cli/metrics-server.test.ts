import { createServer } from "node:http";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";

import { serveMetrics } from "../../../src/cli/metrics-server.ts";

/** The answer to a request as it is on the wire; `fetch` would correct it. */
async function ask(url: string, head: string): Promise<string> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.end(`${head}\r\nConnection: close\r\n\r\n`);
  let text = "";
  for await (const bytes of socket) text += String(bytes);
  return text;
}

describe("the metrics of a worker", () => {
  it("are served to this machine, and nothing else is", async () => {
    await using server = await serveMetrics(0, async () => "up 1\n");
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const answer = await fetch(server.url);
    expect([answer.status, await answer.text()]).toEqual([200, "up 1\n"]);
    expect(answer.headers.get("content-type")).toContain("version=0.0.4");
    expect((await fetch(`${server.url}?x=1`)).status).toBe(200);
    expect((await fetch(`${server.url}/x`)).status).toBe(404);
    expect((await fetch(server.url, { method: "POST", body: "x" })).status).toBe(405);
    expect(await ask(server.url, "GET /metrics HTTP/1.1\r\nHost: evil.example")).toMatch(/^HTTP\/1\.1 403 /);
  });

  it("are read once for all who ask at a time, and again afterwards", async () => {
    let reads = 0;
    await using server = await serveMetrics(0, async () => {
      reads += 1;
      await new Promise((resolve) => void setTimeout(resolve, 200));
      return `n ${reads}\n`;
    });
    const texts = await Promise.all([1, 2, 3].map(async () => (await fetch(server.url)).text()));
    expect(texts).toEqual(["n 1\n", "n 1\n", "n 1\n"]);
    expect(await (await fetch(server.url)).text()).toBe("n 2\n");
  });

  it("say so when they cannot be read, and go on", async () => {
    let isBroken = true;
    await using server = await serveMetrics(0, async () => {
      if (isBroken) throw new Error("the database is locked");
      return "up 1\n";
    });
    const answer = await fetch(server.url);
    expect([answer.status, await answer.text()]).toEqual([503, "the database is locked\n"]);
    isBroken = false;
    expect((await fetch(server.url)).status).toBe(200);
  });

  it("end with the worker, whoever is connected", async () => {
    const server = await serveMetrics(0, async () => "up 1\n");
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.on("error", () => undefined);
    await server[Symbol.asyncDispose]();
    await expect(fetch(server.url)).rejects.toThrow("fetch failed");
    socket.destroy();
  });

  it("need a port that is free", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expect(serveMetrics(port, async () => "")).rejects.toThrow(
      expect.objectContaining({ code: "worker.port_unusable", message: expect.stringContaining(String(port)) }),
    );
    other.close();
  });
});
