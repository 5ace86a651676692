/** A source of random numbers that its seed determines wholly: xoshiro128** (Blackman, Vigna 2018). */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** Seeds the state from a 64-bit number by SplitMix64, as the generator's authors advise. */
  constructor(seed: bigint) {
    let state = BigInt.asUintN(64, seed);
    const next = () => {
      state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
      let z = state;
      z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
      z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
      return z ^ (z >> 31n);
    };
    const first = next();
    const second = next();
    this.#a = Number(first & 0xffffffffn) | 0;
    this.#b = Number(first >> 32n) | 0;
    this.#c = Number(second & 0xffffffffn) | 0;
    this.#d = Number(second >> 32n) | 0;
  }

  /** The next number, an integer from 0 to 2^32 - 1. */
  uint32(): number {
    const x = Math.imul(this.#b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** The next 64 random bits, as an unsigned integer. */
  uint64(): bigint {
    return (BigInt(this.uint32()) << 32n) | BigInt(this.uint32());
  }

  /** An integer from 0 to `limit` - 1; `limit` is from 1 to 2^32. */
  below(limit: number): number {
    return Math.floor(this.uint32() / 0x1_0000_0000 * limit);
  }

  /** True with the given probability, from 0 to 1. */
  chance(probability: number): boolean {
    return this.uint32() < probability * 0x1_0000_0000;
  }

  /** One of `items`, of which there is one at least; the likelier, the more often it is there. */
  pick<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new RangeError("There is nothing to pick from");
    return items[this.below(items.length)] as Item;
  }

  /** Fills `bytes` with random ones. */
  fill(bytes: Uint8Array): Uint8Array {
    for (let i = 0; i < bytes.length; i += 4) {
      const value = this.uint32();
      for (let k = 0; k < 4 && i + k < bytes.length; k++) bytes[i + k] = value >>> (8 * k);
    }
    return bytes;
  }
}
