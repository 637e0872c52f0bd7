import { toPipelineError } from "../pipeline/fault.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { readPipeline } from "../pipeline/read-pipeline.ts";

/**
 * The pipeline that a file's text describes.
 *
 * @param file how messages call the file
 * @throws {AexpError} `pipeline.invalid`, with a line for each fault
 */
export async function parsePipeline(file: string, text: string): Promise<Pipeline> {
  const read = await readPipeline(text, file);
  if (read.kind === "faults") throw toPipelineError(read.faults);
  return read.pipeline;
}
