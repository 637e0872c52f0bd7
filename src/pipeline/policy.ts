import type { Stage } from "./pipeline.ts";

/** A run that is submitted for every new output of a kind. */
export interface Policy {
  readonly name: string;
  readonly listens: PolicyTrigger;
  /** What is executed: a stage without sweep, inputs and needs of its own. */
  readonly stage: Stage;
}

/** Which outputs a policy is fired for. */
export interface PolicyTrigger {
  readonly kind: string;
  /** Only for runs of this pipeline, this stage, this experiment; for all, when absent. */
  readonly pipeline?: string;
  readonly stage?: string;
  readonly experiment?: string;
  /** Of a stream, for every so manieth item. */
  readonly everyN: number;
}

/** The input of a policy's run: the output that it is fired for, which its command calls `{input}`. */
export const POLICY_INPUT = "input";
/** The parameter that is the item's name where the command asks for it, or that of an output that is no stream. */
export const POLICY_ITEM = "item";

/** Whether a command asks for a placeholder. */
export function asksFor({ template }: Pick<Stage, "template">, name: string): boolean {
  const lists = template.kind === "line" ? [template.parts] : template.items;
  return lists.some((parts) => parts.some((part) => part.kind === "value" && part.name === name));
}
