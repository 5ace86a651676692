import zlib from "node:zlib";

let known: boolean | undefined;

/** Whether this version of Deno has zstd: older ones have its functions, which throw. */
export function hasZstd(): boolean {
  known ??= tryIt();
  return known;
}

function tryIt(): boolean {
  try {
    zlib.createZstdCompress().destroy();
    return true;
  } catch {
    return false;
  }
}
