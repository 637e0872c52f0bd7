import type { Lane } from "../queue/lane.ts";
import { admitsKind, type Pool } from "../queue/pool.ts";
import { mayBeExecutedOn } from "../queue/portable-run.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { ACTIVE_STATES, PENDING_STATES, type Task } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";

/** Which tasks a worker executes. */
export interface Service {
  readonly pools: readonly Pool[];
  /** All lanes, when absent. */
  readonly lanes: readonly string[] | undefined;
  readonly owner: string;
  readonly machine: string;
  /** The commits of other machines' runs that it can execute. */
  readonly commits?: readonly string[];
  /** Only these tasks, when present. */
  readonly ids: readonly JobId[] | undefined;
}

/** What a worker without work may still expect. */
export interface WorkLeft {
  /** Whether anything may yet come: a task that it can claim sooner or later, or one under way that others wait for. */
  readonly isAny: boolean;
  /** Its tasks that wait for something that nobody does: a paused lane, a lane without slots, a task nobody executes. */
  readonly stuck: number;
  /**
   * Tasks that are not its own, could be claimed, and compute what its own wait for. Whoever submitted them may be gone,
   * or may be waiting for a task of this one in turn.
   */
  readonly leaders: readonly JobId[];
}

/** There may be something to do in a moment. */
export const SOME_LEFT: WorkLeft = { isAny: true, stuck: 0, leaders: [] };

/** Finds out whether a worker that found nothing to claim has reason to stay. */
export async function findWorkLeft(store: QueueStore, service: Service): Promise<WorkLeft> {
  const open = await store.tasks({ states: [...PENDING_STATES, ...ACTIVE_STATES] });
  const lanes = new Map((await store.lanes()).map((lane) => [lane.name, lane]));
  return judgeWorkLeft(open, lanes, service);
}

/** The decision of {@link findWorkLeft}, given all tasks that have not ended. */
export function judgeWorkLeft(
  open: readonly Task[],
  lanes: ReadonlyMap<string, Pick<Lane, "isPaused" | "maxRunning">>,
  service: Service,
): WorkLeft {
  const ownIds = service.ids === undefined ? undefined : new Set(service.ids);
  const served = open.filter((task) => isServed(task, service));
  const mine = ownIds === undefined ? served : served.filter(({ id }) => ownIds.has(id));
  const canBeClaimed = (task: Task): boolean => {
    const lane = lanes.get(task.spec.lane);
    return task.state === "queued" && lane?.isPaused === false && lane.maxRunning !== 0 && task.stop === undefined;
  };
  const ids = new Set(open.map(({ id }) => id));
  const canBeResolved = (task: Task): boolean =>
    task.isUnresolved && task.machine === service.machine && !task.spec.needs.some(({ run }) => ids.has(run));
  const followed = new Set(mine.map(({ follows }) => follows));
  const leaders = served.filter((task) => followed.has(task.id) && canBeClaimed(task));
  const pending = mine.filter((task) => !isActive(task));
  const isAny =
    leaders.length > 0 ||
    mine.some((task) => isActive(task) || canBeClaimed(task) || canBeResolved(task)) ||
    (pending.length > 0 && open.some(isActive));
  return { isAny, stuck: isAny ? 0 : pending.length, leaders: leaders.map(({ id }) => id) };
}

function isActive(task: Task): boolean {
  return ACTIVE_STATES.some((state) => state === task.state);
}

/** Whether a worker of this kind could execute it, were it among its own. */
function isServed(task: Task, { pools, lanes, owner, machine, commits = [] }: Service): boolean {
  return (
    task.owner === owner &&
    task.executor === "local" &&
    mayBeExecutedOn(machine, commits, task) &&
    (lanes === undefined || lanes.includes(task.spec.lane)) &&
    pools.some(({ filter }) => admitsKind(filter, task.spec.kind))
  );
}
