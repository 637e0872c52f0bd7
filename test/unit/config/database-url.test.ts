import { describe, expect, it } from "vitest";

import { chooseDatabaseUrl } from "../../../src/config/database-url.ts";

const URL = "postgres://ana@db/lab";
const NONE = { databaseUrlEnv: undefined, schema: undefined };
const LAB = { databaseUrlEnv: "LAB_DATABASE_URL", schema: undefined };

describe("the URL of a shared queue", () => {
  it.each([
    { what: "nothing said", store: NONE, env: {}, url: undefined },
    { what: "an empty variable", store: NONE, env: { AEXP_DATABASE_URL: "" }, url: undefined },
    { what: "our variable", store: NONE, env: { AEXP_DATABASE_URL: URL }, url: URL },
    { what: "the project's variable", store: LAB, env: { LAB_DATABASE_URL: URL }, url: URL },
    { what: "both", store: LAB, env: { AEXP_DATABASE_URL: URL, LAB_DATABASE_URL: "other" }, url: URL },
    { what: "another project's variable", store: NONE, env: { LAB_DATABASE_URL: URL }, url: undefined },
  ])("with $what is $url", ({ store, env, url }) => {
    expect(chooseDatabaseUrl(store, env)).toBe(url);
  });

  it.each([{}, { LAB_DATABASE_URL: "" }])("is missed when the project names a variable that is not set: %j", (env) => {
    expect(() => chooseDatabaseUrl(LAB, env)).toThrow(
      expect.objectContaining({
        code: "queue.database_url_missing",
        message: expect.stringContaining("LAB_DATABASE_URL"),
      }),
    );
  });
});
