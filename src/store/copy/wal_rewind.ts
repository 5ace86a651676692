import { type CommitPosition, comparePositions } from "../../changes/commit_position.ts";
import { removeIfThere } from "../../io/remove_if_there.ts";
import type { Disk, DiskFile } from "../../io/types.ts";
import { Database, DbConfig, type Library } from "../../sqlite/mod.ts";
import { commitPosition, hasRaftTables, readRaftState } from "../apply/raft_table.ts";

// https://www.sqlite.org/fileformat2.html#walformat
const headerBytes = 32;
const frameHeaderBytes = 24;
/** Of a WAL whose sums are of numbers that begin with their highest byte. */
const bigEndianMagic = 0x377f0683;

/**
 * Takes the database at `path` back to `position`, where an earlier transaction has ended that is
 * still in the WAL; false, and nothing is done, when there is none.
 *
 * A power cut leaves of two files that were written and not synced what it likes: it can leave the
 * database further than its change log. What is behind can't be recorded any more, but the Raft log
 * has it: so the database goes back, and it is applied again. The change log is made durable before
 * anything of a WAL moves into the database file; so what it lacks is still in the WAL.
 */
export async function rewindWal(
  { library, disk, path, position }: {
    readonly library: Library;
    readonly disk: Disk;
    readonly path: string;
    readonly position: CommitPosition;
  },
): Promise<boolean> {
  const root = rootOfState(library, path);
  const wal = `${path}-wal`;
  if (root === undefined || !await disk.exists(wal)) return false;
  const file = await disk.open(wal, { create: false });
  try {
    const end = await endOf(file, root, position);
    if (end === undefined) return false;
    await file.truncate(end);
    await file.sync();
  } finally {
    file.close();
  }
  // It is made anew from the WAL.
  await removeIfThere(disk, `${path}-shm`);
  return true;
}

/** How far the database is, read without moving anything of its WAL; undefined where it is none. */
export function positionAt(library: Library, path: string): CommitPosition | undefined {
  using database = openAsItIs(library, path);
  return hasRaftTables(database) ? commitPosition(readRaftState(database)) : undefined;
}

function openAsItIs(library: Library, path: string): Database {
  const database = new Database(path, { library, create: false });
  database.config(DbConfig.noCheckpointOnClose, true);
  return database;
}

/** The page that the row of sqlite_raft is on: its table's only one. */
function rootOfState(library: Library, path: string): number | undefined {
  using database = openAsItIs(library, path);
  const root = database.scalar("SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_raft'");
  return root === undefined ? undefined : Number(root);
}

/**
 * Where in the WAL the last transaction ends that left the database at `position`. Frames count as
 * SQLite counts them: up to the first that is of an earlier WAL, or whose sum is wrong, as of one that
 * a power cut has torn.
 */
async function endOf(
  file: DiskFile,
  root: number,
  position: CommitPosition,
): Promise<number | undefined> {
  const header = viewOf(await file.read(0, headerBytes));
  if (header.byteLength < headerBytes) return undefined;
  const pageSize = header.getUint32(8);
  const size = await file.size();
  const sum = new WalSum(header.getUint32(0) === bigEndianMagic);
  sum.add(header, 0, 24);
  if (!sum.equals(header, 24)) return undefined;
  let end: number | undefined;
  let state: CommitPosition | undefined;
  for (let at = headerBytes; at + frameHeaderBytes + pageSize <= size;) {
    const frame = viewOf(await file.read(at, frameHeaderBytes + pageSize));
    const isOfThisWal = frame.getUint32(8) === header.getUint32(16) &&
      frame.getUint32(12) === header.getUint32(20);
    sum.add(frame, 0, 8);
    sum.add(frame, frameHeaderBytes, pageSize);
    if (!isOfThisWal || !sum.equals(frame, 16)) break;
    if (frame.getUint32(0) === root) {
      state = stateOn(new DataView(frame.buffer, frame.byteOffset + frameHeaderBytes, pageSize));
    }
    at += frameHeaderBytes + pageSize;
    const isCommit = frame.getUint32(4) !== 0;
    if (isCommit && state !== undefined && comparePositions(state, position) === 0) end = at;
  }
  return end;
}

/** The sum of all that a WAL holds so far: https://www.sqlite.org/fileformat2.html#walcksm */
class WalSum {
  readonly #littleEndian: boolean;
  #first = 0;
  #second = 0;

  constructor(bigEndian: boolean) {
    this.#littleEndian = !bigEndian;
  }

  /** `bytes` is a multiple of 8. */
  add(content: DataView, from: number, bytes: number): void {
    for (let at = from; at < from + bytes; at += 8) {
      this.#first = (this.#first + content.getUint32(at, this.#littleEndian) + this.#second) >>> 0;
      this.#second =
        (this.#second + content.getUint32(at + 4, this.#littleEndian) + this.#first) >>> 0;
    }
  }

  equals(content: DataView, at: number): boolean {
    return content.getUint32(at) === this.#first && content.getUint32(at + 4) === this.#second;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Of the columns of sqlite_raft. */
const stateColumns = { index: 1, statement: 3, offset: 4 } as const;

/**
 * The row of sqlite_raft on a leaf page of its table; undefined where there is none.
 * https://www.sqlite.org/fileformat2.html#b_tree_pages, #record_format
 */
function stateOn(page: DataView): CommitPosition | undefined {
  const isLeaf = page.getUint8(0) === 0x0d;
  if (!isLeaf || page.getUint16(3) !== 1) return undefined;
  let at = page.getUint16(8);
  const next = () => {
    let value = 0;
    for (let i = 0; i < 9; i++) {
      const byte = page.getUint8(at++);
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) break;
    }
    return value;
  };
  next(); // Bytes of the record.
  next(); // Row id.
  const recordAt = at;
  const bodyAt = recordAt + next();
  const types: number[] = [];
  while (at < bodyAt) types.push(next());
  at = bodyAt;
  const values = types.map((type) => {
    let value = type === 9 ? 1 : 0;
    // All of its columns are integers, and SQLite has no other types for these.
    for (let left = integerBytes[type] ?? 0; left > 0; left--) {
      value = value * 256 + page.getUint8(at++);
    }
    return value;
  });
  const valueOf = (column: number) => values[column] ?? 0;
  return {
    index: valueOf(stateColumns.index),
    statement: valueOf(stateColumns.statement),
    offset: valueOf(stateColumns.offset),
  };
}

/** By the serial type; of 8 and 9, which are 0 and 1, there are none. */
const integerBytes = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];
