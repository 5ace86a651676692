import type { LiveRead } from "../../store/types.ts";

/** Bytes of all states that a node holds, about: those that are shown, and older ones. */
const bytesMax = 128 * 1024 * 1024;
/** What a row takes beside its text, about. */
const rowBytes = 32;

/** What a live query came to, from one entry of the log on. */
export class LiveState {
  /** Of the last entry that it was seen behind. */
  readonly index: number;
  readonly columns: readonly string[];
  readonly types: readonly string[];
  readonly bytes: number;
  /** Readers that were sent it last. */
  holders = 0;
  #rows: readonly string[] | undefined;

  constructor({ index, columns, types, rows }: LiveRead) {
    this.index = index;
    this.columns = columns;
    this.types = types;
    this.#rows = rows;
    let bytes = 0;
    for (const row of rows) bytes += row.length + rowBytes;
    this.bytes = bytes;
  }

  /** Each in JSON; undefined once they were too much to be held. */
  get rows(): readonly string[] | undefined {
    return this.#rows;
  }

  forgetRows(): void {
    this.#rows = undefined;
  }
}

/** All states that a node holds. */
export class HeldStates {
  readonly #bytesMax: number;
  /** Which live queries show. */
  readonly #shown = new Set<LiveState>();
  /** Which slow readers were sent last; the oldest first. */
  readonly #older = new Set<LiveState>();
  #bytes = 0;

  /** @param max In bytes; for tests. */
  constructor(max = bytesMax) {
    this.#bytesMax = max;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether there was room for one that is to be shown; older ones make it. */
  show(state: LiveState): boolean {
    if (!this.reserve(state.bytes)) return false;
    this.#shown.add(state);
    return true;
  }

  /** The same for so many bytes of something else, which `release` gives back. */
  reserve(bytes: number): boolean {
    for (const older of this.#older) {
      if (this.#bytes + bytes <= this.#bytesMax) break;
      older.forgetRows();
      this.#drop(older);
    }
    if (this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** It is shown no more; whoever was sent it last has to be told what is other since. */
  supersede(state: LiveState): void {
    if (!this.#shown.delete(state)) return;
    if (state.holders > 0) this.#older.add(state);
    else this.#bytes -= state.bytes;
  }

  /** A reader has been sent a state, and no longer holds the one that it was sent before. */
  sent(state: LiveState | undefined, before: LiveState | undefined): void {
    if (state !== undefined) state.holders++;
    if (before === undefined) return;
    before.holders--;
    if (before.holders === 0 && this.#older.has(before)) this.#drop(before);
  }

  #drop(state: LiveState): void {
    this.#shown.delete(state);
    this.#older.delete(state);
    this.#bytes -= state.bytes;
  }
}
