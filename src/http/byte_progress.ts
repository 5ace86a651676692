/** What has to come for somebody to count as sending: who sends drop by drop does not. */
const progressBytes = 4 * 1024;

/** Tells who sends from who only keeps a connection busy. */
export class ByteProgress {
  /** Bytes that came since there was progress. */
  #came = 0;

  /** Whether these bytes, with those before them, are progress. */
  came(bytes: number): boolean {
    this.#came += bytes;
    if (this.#came < progressBytes) return false;
    this.#came = 0;
    return true;
  }
}
