import { inject } from "vitest";

// The tests of workers take it for the queue of their projects.
process.env["AEXP_DATABASE_URL"] = inject("postgresUrl");
