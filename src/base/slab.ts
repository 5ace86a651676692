/** Bytes of one slab; a piece larger than a quarter of it gets memory of its own. */
const slabBytes = 64 * 1024;

let slab = new Uint8Array(slabBytes);
let used = 0;

/**
 * Memory for a small piece of bytes, zeroed, that lives about as long as its neighbours: the
 * runtime takes several times as long to make, and to collect, many small buffers (measured: 10 % of
 * the main thread at 64 inserting clients). The piece shares its buffer with others, which must
 * therefore never be transferred to a Worker.
 */
export function allocateSmall(length: number): Uint8Array<ArrayBuffer> {
  if (length > slabBytes / 4) return new Uint8Array(length);
  if (used + length > slabBytes) {
    slab = new Uint8Array(slabBytes);
    used = 0;
  }
  const piece = slab.subarray(used, used + length);
  used += length;
  return piece;
}
