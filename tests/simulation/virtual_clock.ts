import type { Clock, Timer } from "../../src/io/types.ts";
import type { Event, EventQueue } from "./event_queue.ts";

/**
 * One run of a node's program, from its start to its crash. All that reaches the program from
 * outside passes through {@linkcode run}: a frozen program gets it when it wakes, a dead one never.
 */
export class SimulatedProcess {
  #state: "running" | "frozen" | "dead" = "running";
  #deferred: (() => void)[] = [];
  #mourners = new Set<() => void>();

  get alive(): boolean {
    return this.#state !== "dead";
  }

  get frozen(): boolean {
    return this.#state === "frozen";
  }

  /** Hands something to the program: now, at its wake-up, or never. */
  run(callback: () => void): void {
    if (this.#state === "running") callback();
    else if (this.#state === "frozen") this.#deferred.push(callback);
  }

  /** SIGSTOP: nothing runs, everything queues up. */
  freeze(): void {
    if (this.#state === "running") this.#state = "frozen";
  }

  /** SIGCONT: everything that queued up, in its order, each as an event of its own. */
  wake(queue: EventQueue): void {
    if (this.#state !== "frozen") return;
    this.#state = "running";
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const callback of deferred) queue.schedule(0, () => this.run(callback));
  }

  kill(): void {
    this.#state = "dead";
    this.#deferred = [];
    const mourners = this.#mourners;
    this.#mourners = new Set();
    for (const mourner of mourners) mourner();
  }

  /** Calls `mourner` when the program dies; the result takes that back. */
  onDeath(mourner: () => void): () => void {
    this.#mourners.add(mourner);
    return () => this.#mourners.delete(mourner);
  }
}

class VirtualTimer implements Timer {
  event: Event | undefined;
  dueAt = 0;
  constructor(readonly callback: () => void, readonly pending: Set<VirtualTimer>) {}
  cancel(): void {
    if (this.event !== undefined) this.event.cancelled = true;
    this.pending.delete(this);
  }
}

/** How far a node's machine clock is from true time. */
export interface ClockSkew {
  /** Milliseconds of the node's clock in one of true time: 1.05 runs 5 % fast. */
  readonly rate: number;
  /** What the machine's calendar is ahead of the truth, in ms. */
  readonly wallOffsetMs: number;
}

/** 2026-01-01 UTC: where the calendar of every simulation starts. */
const epochMs = 1_767_225_600_000;

/** The clock of one process: runs at its own rate, and its timers stand still while the machine does. */
export class VirtualClock implements Clock {
  #queue: EventQueue;
  #process: SimulatedProcess;
  #skew: ClockSkew;
  #pending = new Set<VirtualTimer>();
  /** For so long it has stood still, and does not know of it. */
  #unknownMs = 0;
  #suspended: { readonly at: number; readonly kind: "sleep" | "suspend" } | undefined;

  constructor(queue: EventQueue, process: SimulatedProcess, skew: ClockSkew) {
    this.#queue = queue;
    this.#process = process;
    this.#skew = skew;
  }

  now(): number {
    const until = this.#suspended?.at ?? this.#queue.now;
    return (until - this.#unknownMs) * this.#skew.rate;
  }

  wallTime(): number {
    return Math.floor(epochMs + this.#skew.wallOffsetMs + this.#queue.now * this.#skew.rate);
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = new VirtualTimer(callback, this.#pending);
    this.#pending.add(timer);
    this.#arm(timer, Math.max(0, delayMs) / this.#skew.rate);
    return timer;
  }

  /**
   * The machine sleeps, or its host suspends a virtual one, which never knows of it: its clock stands
   * still with its programs.
   */
  suspend(kind: "sleep" | "suspend"): void {
    this.#suspended ??= { at: this.#queue.now, kind };
  }

  /** The machine wakes: every timer still has as long to go as when it fell asleep. */
  resume(): void {
    if (this.#suspended === undefined) return;
    const { at, kind } = this.#suspended;
    const pauseMs = this.#queue.now - at;
    this.#suspended = undefined;
    if (kind === "suspend") this.#unknownMs += pauseMs;
    for (const timer of this.#pending) {
      if (timer.event === undefined) continue;
      timer.event.cancelled = true;
      this.#arm(timer, timer.dueAt + pauseMs - this.#queue.now);
    }
  }

  #arm(timer: VirtualTimer, delayMs: number): void {
    timer.dueAt = this.#queue.now + delayMs;
    timer.event = this.#queue.schedule(delayMs, () => {
      if (this.#suspended !== undefined) return;
      this.#process.run(() => {
        // Cancelled while the process was frozen, after it was due.
        if (!this.#pending.delete(timer)) return;
        timer.callback();
      });
    });
  }
}
