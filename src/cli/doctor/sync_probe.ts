import { percentile } from "../bench/measure.ts";

/** As a log would write: small pieces, each synced before the next. */
const pieceBytes = 4096;
const piecesMax = 500;
const probeMs = 2_000;

export interface SyncTimes {
  readonly count: number;
  /** In ms. */
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/**
 * Writes and syncs a file in a directory as the log of a node does, for two seconds at most, and
 * takes the file away again. Throws what the disk says.
 */
export async function probeSync(directory: string): Promise<SyncTimes> {
  const path = await Deno.makeTempFile({ dir: directory, prefix: ".raftlite-doctor-" });
  try {
    using file = await Deno.open(path, { write: true });
    const piece = new Uint8Array(pieceBytes);
    const times: number[] = [];
    const end = performance.now() + probeMs;
    while (times.length < piecesMax && performance.now() < end) {
      const began = performance.now();
      await file.write(piece);
      await file.syncData();
      times.push(performance.now() - began);
    }
    return {
      count: times.length,
      medianMs: percentile(times, 0.5),
      p99Ms: percentile(times, 0.99),
      maxMs: percentile(times, 1),
    };
  } finally {
    await Deno.remove(path);
  }
}
