const nothing = new Uint8Array(0);

/**
 * What has come of a client and was not read yet. Each byte is copied a few times at most, in however
 * small pieces it comes, and nothing is kept of what has been read.
 */
export class ReceivedBytes {
  /** Those from `#start` to `#end` are unread; there is room behind them. */
  #bytes: Uint8Array<ArrayBuffer> = nothing;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** All of it, as long as none is added or taken. */
  get unread(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Keeps the piece itself where there is nothing else: nobody else may write into it. */
  add(piece: Uint8Array<ArrayBuffer>): void {
    if (this.length === 0) return this.#hold(piece);
    if (this.#end + piece.length > this.#bytes.length) this.#makeRoom(piece.length);
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** The first so many have been read. */
  drop(length: number): void {
    this.#start += length;
    if (this.length === 0) this.#hold(nothing);
  }

  /** All of it, which is the caller's from now on. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.unread;
    this.#hold(nothing);
    return taken;
  }

  #hold(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#start = 0;
    this.#end = bytes.length;
  }

  /** As much again as there will be: so that the next copy comes when there is twice as much. */
  #makeRoom(length: number): void {
    const { unread } = this;
    const bytes = new Uint8Array(2 * (unread.length + length));
    bytes.set(unread);
    this.#bytes = bytes;
    this.#start = 0;
    this.#end = unread.length;
  }
}
