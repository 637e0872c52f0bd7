import * as Flags from "@oclif/core/flags";

import { followEvents, readLastEvents } from "../../app/read-queue-events.ts";
import { resolveTaskId } from "../../app/resolve-task.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { renderEvent, toEventJson } from "../../cli/render/queue-event.ts";
import { untilInterrupted } from "../../cli/until-interrupted.ts";
import type { QueueEvent } from "../../queue/queue-store.ts";
import { openQueue } from "../../wiring/open-queue.ts";

const DEFAULT_LIMIT = 20;

export default class QueueEvents extends BaseCommand {
  static override summary = "Show what happened in the queue, oldest first: claims, ends, retries, stops, lost leases.";
  static override description =
    "Events are numbered in their order. --after goes on behind a number, so that a script misses none.";
  static override examples = [
    "<%= config.bin %> queue events --follow",
    "<%= config.bin %> queue events --run d3a7",
    "<%= config.bin %> queue events --after 1200 --ndjson",
  ];
  static override flags = {
    run: Flags.string({ summary: "Only events of this run.", helpValue: "ID" }),
    after: Flags.integer({ summary: "Only events behind this number.", helpValue: "N", min: 0 }),
    limit: Flags.integer({
      summary: "Only the newest so many; 20 unless --run, --after, --json or --ndjson is given.",
      helpValue: "N",
      min: 0,
    }),
    follow: Flags.boolean({ char: "f", summary: "Go on as things happen, until Ctrl-C.", exclusive: ["json"] }),
    ndjson: Flags.boolean({ summary: "Print one JSON document per line.", exclusive: ["json"] }),
  };

  override async run(): Promise<readonly Record<string, unknown>[]> {
    const { flags } = await this.parse(QueueEvents);
    const repo = this.openRepo(flags);
    await using store = await openQueue(repo);
    const runId = flags.run === undefined ? undefined : await resolveTaskId(repo, store, flags.run);
    const { after } = flags;
    const isWhole = runId !== undefined || after !== undefined || flags.ndjson || this.jsonEnabled();
    const limit = flags.limit ?? (isWhole ? Infinity : DEFAULT_LIMIT);
    const { events, newest } = await readLastEvents(store, { runId, after }, limit);
    const print = (event: QueueEvent): void => {
      this.log(flags.ndjson ? JSON.stringify(toEventJson(event)) : renderEvent(event));
    };
    for (const event of events) print(event);
    if (flags.follow) {
      await untilInterrupted(this.io.stdout, async (signal) => {
        for await (const event of followEvents(store, { runId }, newest, signal)) print(event);
      });
    }
    return events.map((event) => toEventJson(event));
  }
}
