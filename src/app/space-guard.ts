import type { ClaimRequest } from "../queue/queue-store.ts";
import type { WorkPorts } from "./execute-task.ts";

/** What is asked before an attempt is started, and who is told of a disk that is full. */
export interface SpaceGuardOptions {
  /** The folder on whose disk the runs are. */
  readonly folder: string;
  readonly minFreeBytes: number;
  readonly tell: (message: string) => void;
}

/** Keeps a worker from starting what the disk has no room for. */
export class SpaceGuard {
  readonly #ports: Pick<WorkPorts, "store" | "supervisor">;
  readonly #options: SpaceGuardOptions;
  #isHeldBack = false;

  constructor(ports: Pick<WorkPorts, "store" | "supervisor">, options: SpaceGuardOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** Whether the disk has room for another attempt. The run that would have been next says why it waits. */
  async hasSpace(request: ClaimRequest): Promise<boolean> {
    const { folder, minFreeBytes, tell } = this.#options;
    const free = this.#ports.supervisor.freeBytes(folder);
    if (free === undefined || free >= minFreeBytes) {
      this.#isHeldBack = false;
      return true;
    }
    if (this.#isHeldBack) return false;
    const message = `only ${toMebibytes(free)} MiB are free, and nothing is started below ${toMebibytes(minFreeBytes)} MiB`;
    const held = await this.#ports.store.holdBack(request, { code: "disk_full", message });
    if (held === undefined) return false;
    this.#isHeldBack = true;
    tell(message);
    return false;
  }
}

function toMebibytes(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2);
}
