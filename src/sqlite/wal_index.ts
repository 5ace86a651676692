import { sameBytes } from "../base/bytes.ts";
import { FrameTable } from "./frame_table.ts";
import type { OpenFile } from "./open_file.ts";

/** The WAL-index, https://www.sqlite.org/walformat.html#the_wal_index_file_format: numbers are the machine's. */
const regionBytes = 32_768;
const headBytes = 136;
/** The header is there twice; one that is being written differs. */
const headerBytes = 48;
const offsets = { isInit: 12, frames: 16, salts: 32, backfilled: 96 } as const;
const saltsBytes = 8;
/** Frames whose page numbers the first region has, and each other one. */
const firstRegionFrames = (16_384 - headBytes) / 4;
const otherRegionFrames = 4096;

const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** What the WAL's index says at one moment. */
export interface WalState {
  /** All of the header, to be compared: it is another one after each commit. */
  readonly header: Uint8Array;
  /** Of this generation of the WAL, as each of its frames has them. */
  readonly salts: Uint8Array;
  /** Committed. */
  readonly frames: number;
  /** Of those, how many are in the database file. */
  readonly backfilled: number;
}

/** The state at this moment; undefined while it is being written. `database` has read in WAL mode. */
export function readWalState(database: OpenFile): WalState | undefined {
  const memory = database.sharedMemory(0, regionBytes);
  const head = new Uint8Array(headBytes);
  memory.copyInto(head);
  const header = head.subarray(0, headerBytes);
  if (!sameBytes(header, head.subarray(headerBytes, 2 * headerBytes))) return undefined;
  if (header[offsets.isInit] !== 1) return undefined;
  const view = new DataView(head.buffer);
  return {
    header,
    salts: header.subarray(offsets.salts, offsets.salts + saltsBytes),
    frames: view.getUint32(offsets.frames, isLittleEndian),
    backfilled: view.getUint32(offsets.backfilled, isLittleEndian),
  };
}

/**
 * The last frame of each page of `pages`, those of the database, among those that are not in its file.
 * They must be held there by a read transaction.
 */
export function lastFrames(
  database: Pick<OpenFile, "sharedMemory">,
  { frames, backfilled }: Pick<WalState, "frames" | "backfilled">,
  pages: number,
): FrameTable {
  const frameOf = new FrameTable(Math.min(frames - backfilled, pages));
  let first = 1;
  for (let region = 0; first <= frames; region++) {
    const count = region === 0 ? firstRegionFrames : otherRegionFrames;
    if (first + count > backfilled) {
      const pagesOf = new Uint32Array(Math.min(count, frames - first + 1));
      database.sharedMemory(region, regionBytes).copyInto(pagesOf, region === 0 ? headBytes : 0);
      for (let at = Math.max(0, backfilled + 1 - first); at < pagesOf.length; at++) {
        const page = pagesOf[at] ?? 0;
        // Others were cut off since.
        if (page <= pages) frameOf.set(page, first + at);
      }
    }
    first += count;
  }
  return frameOf;
}
