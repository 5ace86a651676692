/**
 * Until when other threads of this program may answer reads from this node's copy, as its leader's
 * lease allows: one number in shared memory. It is a time only while everything that is committed is
 * applied, and 0 otherwise; the node takes it back before anybody outside can hear of an entry that
 * is not applied here, or of a successor. So a read that found it in force after it began, and then
 * looked at the database, has seen all that anybody had seen before it began. It also says whether
 * the node is a cluster of one, which needs nobody to confirm that it leads: then it is for
 * linearizable reads, too.
 */
export class LeasePermit {
  readonly memory: SharedArrayBuffer;
  /** The time in µs, twice, and 1 more for a cluster of one. */
  readonly #untilAndAlone: BigInt64Array;
  #published = 0;

  constructor(memory = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#untilAndAlone = new BigInt64Array(memory);
  }

  /** @param untilMs By the clock of the node's thread; 0 takes it back. */
  publish(untilMs: number, isAlone: boolean): void {
    const untilAndAlone = 2 * Math.floor(untilMs * 1000) + (isAlone ? 1 : 0);
    if (untilAndAlone === this.#published) return;
    this.#published = untilAndAlone;
    Atomics.store(this.#untilAndAlone, 0, BigInt(untilAndAlone));
  }

  /** Whether it is in force for the level at a time that the clock of the node's thread shows at most. */
  isInForce(level: "weak" | "linearizable", nowMs: number): boolean {
    const untilAndAlone = Number(Atomics.load(this.#untilAndAlone, 0));
    if (level === "linearizable" && untilAndAlone % 2 === 0) return false;
    return nowMs * 1000 < Math.floor(untilAndAlone / 2);
  }
}
