import { describe, inject } from "vitest";

import { manyWorkerCases } from "../contract/many-workers.ts";
import { newSchema, openStore } from "./fixture.ts";

describe("many processes on one queue of a server", () => {
  manyWorkerCases(async () => {
    const schema = await newSchema();
    return { store: await openStore({ schema }), location: `${schema}@${inject("postgresUrl")}` };
  });
});
