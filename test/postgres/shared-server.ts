import type { TestProject } from "vitest/node";

import { TestServer } from "./test-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    readonly postgresUrl: string;
  }
}

/** Starts the server that most tests share, and stops it when all are done. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await TestServer.make();
  await server.start();
  project.provide("postgresUrl", server.url);
  return async () => await server.remove();
}
