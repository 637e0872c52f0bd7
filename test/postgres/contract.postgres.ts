import { describeQueueStore } from "../contract/queue-store.ts";
import { openFixture } from "./fixture.ts";

describeQueueStore("PostgreSQL", openFixture);
