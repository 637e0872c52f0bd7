import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { existsSync, realpathSync } from "node:fs";
import { relative, resolve, sep } from "node:path";

import { withDeclaredLanes } from "../app/apply-lanes.ts";
import { readTimeMs } from "../app/environment-time.ts";
import { newGroupId } from "../app/group-id.ts";
import { PipelineReferences } from "../app/pipeline-references.ts";
import { type PipelineRequest, type PipelineRuns, planPipelineRuns } from "../app/pipeline-runs.ts";
import { parsePipeline } from "../app/read-pipeline-file.ts";
import { refuseMissingInputs } from "../app/refuse-missing-inputs.ts";
import type { Repo } from "../app/repo.ts";
import type { CachePorts } from "../app/stage-ports.ts";
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
  refuseMissingInputs(repo.root, file, pipeline, existsSync);
  const owner = currentUser();
  const request: PipelineRequest = {
    pipeline,
    group: {
      id: newGroupId(),
      kind: "pipeline",
      name: pipeline.name,
      caller: place.env["AEXP_CALLER"] || owner,
    },
    owner,
    file: pathFromRoot(repo.root, resolve(place.cwd, file)),
    graceMs: readTimeMs(place.env, "AEXP_GRACE_S"),
    cache,
  };
  const references = await PipelineReferences.find(repo, ports, pipeline);
  const lanes = await withDeclaredLanes(ports.store, await repo.readConfig()).lanes();
  return { ...request, planned: await planPipelineRuns(repo, ports, request, { references, lanes }) };
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
