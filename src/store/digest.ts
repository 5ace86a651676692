import { createHash } from "node:crypto";

/** What tells requests and results from others, in bytes: the beginning of SHA-256. */
export const digestBytes = 16;

/** Of all parts in a row. */
export function digest(parts: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest().subarray(0, digestBytes));
}
