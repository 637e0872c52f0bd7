import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { readGraph } from "../app/read-graph.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { renderGraphDot } from "../cli/render/graph-dot.ts";
import { type GraphJson, toGraphJson } from "../cli/render/graph-json.ts";
import { MERMAID_LIMITS, renderGraphMermaid } from "../cli/render/graph-mermaid.ts";
import { renderGraphText } from "../cli/render/graph-text.ts";
import { screenOf } from "../cli/screen.ts";

const FORMATS = ["text", "mermaid", "dot", "json"] as const;

export default class Graph extends BaseCommand {
  static override summary =
    "Draw the notes: which hypothesis, experiment and finding hangs below what, and how they stand.";
  static override examples = [
    "<%= config.bin %> graph",
    "<%= config.bin %> graph H001",
    "<%= config.bin %> graph --format dot | dot -Tsvg -o graph.svg",
    "<%= config.bin %> graph --format mermaid --open",
  ];
  static override args = {
    note: Args.string({ description: "Only this note, what it hangs below and what hangs below it." }),
  };
  static override flags = {
    open: Flags.boolean({
      summary: "Leave out closed threads, rejected hypotheses and failed experiments, with what hangs below them.",
    }),
    format: Flags.option({
      options: FORMATS,
      summary: "How the graph is printed; --json is the same as --format json.",
      default: "text",
    })(),
  };

  override async run(): Promise<GraphJson> {
    const { args, flags } = await this.parse(Graph);
    const repo = this.openRepo(flags);
    const graph = await readGraph(repo, { note: args.note, isOpenOnly: flags.open });
    const json = toGraphJson(graph);
    switch (flags.format) {
      case "text":
        this.log(
          graph.notes.length > 0
            ? renderGraphText(graph, screenOf(this.io, this.color, repo.clock.nowMs()))
            : flags.open
              ? "Nothing is open."
              : 'No notes yet. `aexp hypothesis new --title "…"` writes the first.',
        );
        break;
      case "mermaid":
        this.log(this.#checkSize(renderGraphMermaid(graph), json.edges.length));
        break;
      case "dot":
        this.log(renderGraphDot(graph));
        break;
      case "json":
        if (!this.jsonEnabled()) this.logJson(json);
        break;
    }
    return json;
  }

  #checkSize(text: string, lines: number): string {
    if (!this.jsonEnabled() && (lines > MERMAID_LIMITS.lines || text.length > MERMAID_LIMITS.characters)) {
      this.warnLine(
        "mermaid does not draw so large a graph; `aexp graph ID` prints a part of it, `--format dot` the whole",
      );
    }
    return text;
  }
}
