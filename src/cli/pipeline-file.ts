import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { randomUUID } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import { relative, resolve, sep } from "node:path";

import { withDeclaredLanes } from "../app/apply-lanes.ts";
import { PipelineReferences } from "../app/pipeline-references.ts";
import { type PipelineRequest, type PipelineRuns, planPipelineRuns } from "../app/pipeline-runs.ts";
import { parsePipeline } from "../app/read-pipeline-file.ts";
import type { Repo } from "../app/repo.ts";
import type { CachePorts } from "../app/stage-ports.ts";
import { parseDuration } from "../model/duration.ts";
import { AexpError } from "../model/errors.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { currentUser } from "../wiring/current-user.ts";
import { readNamedFile } from "./read-named-file.ts";

/** Which pipeline, and how it uses the cache. */
export const PIPELINE_ARGS = {
  file: Args.string({ description: "The pipeline file, a YAML file of the repository.", required: true }),
};

/** How the cache is used by a whole pipeline. */
export const CACHE_FLAGS = {
  cache: Flags.option({
    summary: "For all stages: on takes what is there, refresh executes again and keeps the result, off does neither.",
    options: ["on", "off", "refresh"] as const,
  })(),
};

/** Where the command line was typed. */
export interface PipelinePlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A pipeline that was read from its file, with all its runs. */
export interface ReadPipeline extends PipelineRequest {
  readonly planned: PipelineRuns;
}

/**
 * Reads a pipeline file and works out its runs. Nothing is submitted.
 *
 * @throws {AexpError} `cli.usage`, `pipeline.invalid` (also for a file that is not there), and what `PipelineReferences.find` and `planPipelineRuns` throw
 */
export async function readPipelineFile(
  repo: Repo,
  ports: CachePorts,
  place: PipelinePlace,
  { file, cache }: { readonly file: string; readonly cache: PipelineRequest["cache"] },
): Promise<ReadPipeline> {
  const pipeline = await parsePipeline(file, readNamedFile(file, place.cwd, PIPELINE_FILE));
  refuseMissingInputs(repo.root, file, pipeline);
  const owner = currentUser();
  const request: PipelineRequest = {
    pipeline,
    group: {
      id: `grp_${randomUUID().replaceAll("-", "").slice(0, 12)}`,
      kind: "pipeline",
      name: pipeline.name,
      caller: place.env["AEXP_CALLER"] || owner,
    },
    owner,
    file: pathFromRoot(repo.root, resolve(place.cwd, file)),
    graceMs: parseDuration(place.env["AEXP_GRACE_S"] || "10", "AEXP_GRACE_S"),
    cache,
  };
  const references = await PipelineReferences.find(repo, ports, pipeline);
  const lanes = await withDeclaredLanes(ports.store, await repo.readConfig()).lanes();
  return { ...request, planned: await planPipelineRuns(repo, ports, request, { references, lanes }) };
}

/**
 * A stage that waits for nothing reads its files as soon as it is submitted, and would fail at once. Behind another stage
 * a file may still appear.
 */
function refuseMissingInputs(root: string, file: string, { stages }: Pipeline): void {
  const missing = [...stages.values()].flatMap(({ name: stage, inputs, needs }) => {
    if (needs.length > 0 || inputs.some(({ kind }) => kind === "stage" || kind === "all")) return [];
    return inputs.flatMap((input) =>
      input.kind === "path" && !existsSync(resolve(root, input.path))
        ? [`${file}: there is no ${JSON.stringify(input.path)}, which ${stage} reads as {inputs.${input.name}}`]
        : [],
    );
  });
  if (missing.length === 0) return;
  throw new AexpError(`${missing.join("\n")}\nNothing was queued`, {
    code: "pipeline.invalid",
    hint: `Paths of inputs begin at ${root}, or are absolute.`,
  });
}

function pathFromRoot(root: string, path: string): string | undefined {
  const inside = relative(realpathSync(root), realpathSync(path));
  return inside === ".." || inside.startsWith(`..${sep}`) ? undefined : inside;
}

const PIPELINE_FILE = {
  what: "pipeline file",
  code: "cli.usage",
  hint: "Name a file, from the folder that you are in.",
} as const;
