import type { WriteTrace } from "../types.ts";

/** Traced writes under way at a time; of more, the oldest are not told of. */
const tracesMax = 1024;

interface TracedWrite {
  readonly index: number;
  readonly trace: WriteTrace;
  readonly proposedAt: number;
  isSynced: boolean;
  isCommitted: boolean;
}

/** Tells of the stages of the writes that are traced, which are few: none at all costs nothing. */
export class WriteTraces {
  #writes: TracedWrite[] = [];

  proposed(index: number, trace: WriteTrace, proposedAt: number): void {
    if (this.#writes.length === tracesMax) this.#writes.shift();
    this.#writes.push({ index, trace, proposedAt, isSynced: false, isCommitted: false });
  }

  /** This node's disk has all up to `index`, of which the last came then. */
  synced(index: number, since: number, now: number): void {
    for (const write of this.#writes) {
      if (write.isSynced || write.index > index) continue;
      write.isSynced = true;
      write.trace.part("sync", since, now);
    }
  }

  committed(index: number, now: number): void {
    for (const write of this.#writes) {
      if (write.isCommitted || write.index > index) continue;
      write.isCommitted = true;
      write.trace.part("replicate", write.proposedAt, now);
    }
  }

  applied(index: number, since: number, now: number): void {
    if (this.#writes.length === 0) return;
    for (const { index: at, trace } of this.#writes) {
      if (at <= index) trace.part("apply", since, now);
    }
    this.#writes = this.#writes.filter((write) => write.index > index);
  }

  abandon(): void {
    this.#writes = [];
  }
}
