import type { ElementEdge, StageElement } from "../pipeline/expand.ts";
import type { Stage } from "../pipeline/pipeline.ts";
import type { InputSource } from "../pipeline/stage-work.ts";
import type { JobId } from "../run/job-id.ts";
import type { PipelineReferences } from "./pipeline-references.ts";

/** A run of the pipeline that others may read from. */
export interface SourceRun {
  readonly element: StageElement;
  readonly run: { readonly jobId: JobId };
}

/**
 * Where the inputs of one run come from.
 *
 * @param edges those that lead to it
 * @param known all runs of the pipeline, in the order of its expansion, and the runs of before
 */
export function toSources(
  stage: Stage,
  edges: readonly ElementEdge[],
  { planned, references }: { readonly planned: readonly SourceRun[]; readonly references: PipelineReferences },
): readonly InputSource[] {
  return stage.inputs.map((input): InputSource => {
    switch (input.kind) {
      case "path":
        return input;
      case "pin":
      case "alias":
        return { kind: "run", name: input.name, ...references.of(input) };
      case "stage": {
        const edge = edges.find((candidate) => candidate.kind === "input" && candidate.input === input.name);
        const source = planned[edge?.from ?? -1];
        if (source === undefined) throw new Error(`the input ${input.name} of ${stage.name} comes from nowhere`);
        return { kind: "run", name: input.name, run: source.run.jobId, output: input.output };
      }
      case "all": {
        const { name, output, minSuccess } = input;
        const elements = edges.flatMap((edge) => {
          const source = edge.kind === "input" && edge.input === name ? planned[edge.from] : undefined;
          return source === undefined ? [] : [{ run: source.run.jobId, bindings: source.element.bindings }];
        });
        return { kind: "list", name, output, elements, minSuccess };
      }
    }
  });
}
