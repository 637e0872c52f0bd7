import type { LaneRow } from "../app/list-lanes.ts";
import type { WorkEvent, WorkingAttempt, WorkView } from "../app/work-events.ts";
import type { Clock } from "../model/clock.ts";
import { toSafeLine } from "../model/terminal-text.ts";
import type { Output } from "./io.ts";
import type { ParameterLabels } from "./parameter-labels.ts";
import { renderLastMetric, renderWorkerFrame, type RunningLine, type WorkerPhase } from "./render/worker-frame.ts";
import { renderEndedLine, renderEventLine } from "./render/worker-line.ts";
import { textWidth } from "./render/text-width.ts";
import type { Screen } from "./screen.ts";
import { TerminalGuard } from "./terminal-guard.ts";
import type { WorkerDisplay, WorkerIdentity } from "./worker-display.ts";

/** What a worker's screen is drawn from. */
export interface WorkerScreenOptions {
  readonly output: Output;
  /** The terminal may change its width. */
  readonly screen: () => Screen;
  readonly identity: WorkerIdentity;
  readonly clock: Clock;
  readonly readLanes: () => Promise<readonly LaneRow[]>;
  readonly labels: Pick<ParameterLabels, "labelOf">;
}

const REDRAW_MS = 250;
const LANES_MS = 1000;
/** Reading the lanes takes no more than this part of the time. */
const LANES_SHARE = 20;
const METRICS_MS = 1000;
/** A terminal that takes nothing is not remembered for without end. */
const MAX_WAITING_LINES = 1000;
const DEFAULT_ROWS = 24;

const BEGIN = "\u001b[?2026h";
const COMMIT = "\u001b[?2026l";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/** What is remembered of an attempt under way, so that it is not worked out for each frame. */
interface Memo {
  readonly startedMs: number;
  metric: string;
  metricMs: number;
}

/**
 * A worker on a terminal: what it does now, drawn anew in place, and above it a line for everything that has ended. It
 * never waits for the terminal; a frame that is not taken is left out.
 */
export class WorkerScreen implements WorkerDisplay {
  readonly #options: WorkerScreenOptions;
  readonly #guard: TerminalGuard;
  readonly #memos = new Map<WorkingAttempt, Memo>();
  readonly #startedMs: number;
  #view: WorkView | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lanes: readonly LaneRow[] = [];
  #nextLanesMs = 0;
  #phase: WorkerPhase = { kind: "working" };
  /** Lines that are to scroll above the frame. */
  #ended: string[] = [];
  #missing = 0;
  /** How wide the lines of the last frame are. */
  #widths: readonly number[] = [];

  constructor(options: WorkerScreenOptions) {
    this.#options = options;
    this.#guard = new TerminalGuard(options.output, () => {
      this.#widths = [];
    });
    this.#startedMs = options.clock.monotonicMs();
  }

  start(view: WorkView): void {
    this.#view = view;
    this.#guard.take();
    this.#timer = setInterval(() => this.#tick(), REDRAW_MS);
    this.#tick();
  }

  observe(event: WorkEvent): void {
    const screen = this.#options.screen();
    switch (event.kind) {
      case "started":
        if (this.#phase.kind === "held_back") this.#phase = { kind: "working" };
        return;
      case "ended": {
        const metric = renderLastMetric(event.attempt.lastMetric());
        const label = this.#options.labels.labelOf(event.attempt.task);
        this.#memos.delete(event.attempt);
        this.#say(renderEndedLine(event, { label, metric }, screen));
        return;
      }
      case "draining":
        this.#phase = { kind: "draining", byMs: event.byMs };
        return;
      case "held_back":
        this.#phase = { kind: "held_back", message: event.message };
        return;
      case "lease_lost":
        this.#memos.delete(event.attempt);
        this.#say(renderEventLine(event, screen));
        return;
      case "recovered":
      case "problem":
        this.#say(renderEventLine(event, screen));
    }
  }

  stopping(): void {
    this.#phase = { kind: "stopping" };
  }

  /** Leaves what has ended on the terminal, and nothing of the frame. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#view === undefined) return;
    const { output, screen } = this.#options;
    const text = `${this.#back(screen().width)}${this.#takeEnded()}${CLEAR_BELOW}`;
    output.write(text);
    this.#widths = [];
    this.#guard.release();
  }

  #tick(): void {
    void this.#refreshLanes();
    this.#draw();
  }

  #draw(): void {
    if (this.#view === undefined) return;
    const { output } = this.#options;
    const screen = this.#options.screen();
    // A line as wide as the terminal would make some of them go on to the next.
    const narrow = { ...screen, width: screen.width - 1 };
    const lines = this.#render(this.#view, narrow, (output.rows || DEFAULT_ROWS) - 1);
    const widths = lines.map((line) => textWidth(toSafeLine(line)));
    const ended = this.#joinEnded();
    const frame = lines.map((line) => `${line}${CLEAR_LINE}\n`).join("");
    const text = `${BEGIN}${this.#back(screen.width)}${ended}${frame}${CLEAR_BELOW}${COMMIT}`;
    const isTaken = output.offer === undefined ? (output.write(text), true) : output.offer(text);
    if (!isTaken) return;
    this.#widths = widths;
    this.#ended = [];
    this.#missing = 0;
  }

  #render(view: WorkView, screen: Screen, rows: number): readonly string[] {
    const { clock, identity } = this.#options;
    return renderWorkerFrame(
      {
        identity,
        lanes: this.#lanes,
        running: view.running().map((attempt) => this.#describe(attempt)),
        counts: view.counts(),
        elapsedS: (clock.monotonicMs() - this.#startedMs) / 1000,
        phase: this.#phase,
      },
      screen,
      rows,
    );
  }

  #describe(attempt: WorkingAttempt): RunningLine {
    const { task } = attempt;
    const now = this.#options.clock.monotonicMs();
    const memo = this.#memoOf(attempt, now);
    if (now >= memo.metricMs) {
      memo.metric = renderLastMetric(attempt.lastMetric());
      memo.metricMs = now + METRICS_MS;
    }
    return {
      id: task.id.slice(0, 8),
      name: task.spec.name ?? task.experimentId ?? "",
      parameters: this.#options.labels.labelOf(task),
      attempt: task.attempt,
      elapsedS: Math.max(0, (now - memo.startedMs) / 1000),
      metric: memo.metric,
    };
  }

  #memoOf(attempt: WorkingAttempt, now: number): Memo {
    const known = this.#memos.get(attempt);
    if (known !== undefined) return known;
    const ageMs = Math.max(0, this.#options.clock.nowMs() - attempt.startedAtMs);
    const memo = { startedMs: now - ageMs, metric: "", metricMs: now };
    this.#memos.set(attempt, memo);
    return memo;
  }

  async #refreshLanes(): Promise<void> {
    const { clock, readLanes } = this.#options;
    const askedMs = clock.monotonicMs();
    if (askedMs < this.#nextLanesMs) return;
    this.#nextLanesMs = Infinity;
    try {
      this.#lanes = await readLanes();
    } catch {
      // The worker itself tells when its queue cannot be read.
    }
    const tookMs = clock.monotonicMs() - askedMs;
    this.#nextLanesMs = askedMs + Math.max(LANES_MS, tookMs * LANES_SHARE);
  }

  /** To the first cell of the last frame. A terminal that became narrower has broken its lines. */
  #back(width: number): string {
    const height = this.#widths.reduce((sum, cells) => sum + Math.max(1, Math.ceil(cells / width)), 0);
    return height === 0 ? "\r" : `\r\u001b[${height}A`;
  }

  #say(line: string): void {
    this.#ended.push(line);
    if (this.#ended.length <= MAX_WAITING_LINES) return;
    this.#ended.shift();
    this.#missing += 1;
  }

  #joinEnded(): string {
    const missing = this.#missing === 0 ? [] : [`… ${this.#missing} lines are missing here`];
    return [...missing, ...this.#ended].map((line) => `${line}${CLEAR_LINE}\n`).join("");
  }

  #takeEnded(): string {
    const text = this.#joinEnded();
    this.#ended = [];
    this.#missing = 0;
    return text;
  }
}
