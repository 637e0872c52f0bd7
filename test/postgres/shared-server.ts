import type { TestProject } from "vitest/node";

import { TestServer } from "./test-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    readonly postgresUrl: string;
  }
}

let server: TestServer | undefined;

/** Starts the server that most tests share. */
export async function setup(project: TestProject): Promise<void> {
  server = await TestServer.make();
  await server.start();
  project.provide("postgresUrl", server.url);
}

/** Stops it when all are done. */
export async function teardown(): Promise<void> {
  await server?.remove();
}
