import { assert } from "../base/assert.ts";

/**
 * The last frame of each page, by the page, where both are counted from 1. A Map has room for 16.7
 * million pages, which a WAL may exceed; this takes 24 bytes a page at most, and throws for none.
 */
export class FrameTable {
  /** Open addressing: a page and its frame beside it; 0 is nobody's. */
  readonly #slots: Uint32Array;
  readonly #mask: number;
  readonly #pagesMax: number;
  #pages = 0;

  constructor(pagesMax: number) {
    this.#pagesMax = pagesMax;
    let size = 4;
    while (size < 1.5 * pagesMax) size *= 2;
    this.#slots = new Uint32Array(2 * size);
    this.#mask = size - 1;
  }

  get(page: number): number | undefined {
    const frame = this.#slots[this.#slotOf(page) + 1];
    return frame === 0 ? undefined : frame;
  }

  set(page: number, frame: number): void {
    const slot = this.#slotOf(page);
    if (this.#slots[slot] === 0) {
      assert(this.#pages < this.#pagesMax, "More pages are in a WAL than in its database");
      this.#pages++;
    }
    this.#slots[slot] = page;
    this.#slots[slot + 1] = frame;
  }

  /** Where a page is, or would be. */
  #slotOf(page: number): number {
    // Neighbours are together, as they are read and often written one behind the other.
    let place = (Math.imul(page >>> 4, 0x9e37_79b1) << 4 | page & 15) & this.#mask;
    for (;; place = (place + 1) & this.#mask) {
      const there = this.#slots[2 * place];
      if (there === page || there === 0) return 2 * place;
    }
  }
}
