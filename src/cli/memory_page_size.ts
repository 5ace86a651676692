/** The auxiliary vector's key of the page size: AT_PAGESZ in getauxval(3). */
const pageSizeKey = 6n;

/** Bytes in a page of this machine's memory; undefined where the system does not say. */
export function memoryPageSize(): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    // Pairs of key and value, as the kernel handed them to this process.
    const pairs = new BigUint64Array(Deno.readFileSync("/proc/self/auxv").buffer);
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      if (pairs[at] === pageSizeKey) return Number(pairs[at + 1]);
    }
  } catch {
    // A system without /proc.
  }
  return undefined;
}
