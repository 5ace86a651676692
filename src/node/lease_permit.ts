/**
 * Until when other threads of this program may answer reads from this node's copy, as its leader's
 * lease allows: one number in shared memory. It is a time only while everything that is committed is
 * applied, and 0 otherwise; the node takes it back before anybody outside can hear of an entry that
 * is not applied here, or of a successor. So a read that found it in force after it began, and then
 * looked at the database, has seen all that anybody had seen before it began.
 */
export class LeasePermit {
  readonly memory: SharedArrayBuffer;
  readonly #untilUs: BigInt64Array;
  #publishedUs = 0;

  constructor(memory = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#untilUs = new BigInt64Array(memory);
  }

  /** @param untilMs By the clock of the node's thread; 0 takes it back. */
  publish(untilMs: number): void {
    const untilUs = Math.floor(untilMs * 1000);
    if (untilUs === this.#publishedUs) return;
    this.#publishedUs = untilUs;
    Atomics.store(this.#untilUs, 0, BigInt(untilUs));
  }

  /** Whether it is in force at a time that the clock of the node's thread shows at most. */
  isInForce(nowMs: number): boolean {
    return nowMs * 1000 < Number(Atomics.load(this.#untilUs, 0));
  }
}
