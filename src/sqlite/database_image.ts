import { assert } from "../base/assert.ts";
import { sameBytes } from "../base/bytes.ts";
import { Database } from "./database.ts";
import type { FrameTable } from "./frame_table.ts";
import type { Library } from "./library.ts";
import { OpenFile } from "./open_file.ts";
import { lastFrames, readWalState, type WalState } from "./wal_index.ts";

/** https://www.sqlite.org/fileformat2.html#walformat */
const walHeaderBytes = 32;
const frameHeaderBytes = 24;
const frameSaltsOffset = 8;

/**
 * Where locks are taken on a database file: SQLite writes no page there, into the file or the WAL.
 * https://www.sqlite.org/fileformat2.html#the_lock_byte_page
 */
const lockPageOffset = 0x4000_0000;

/** Tries at a moment at which nothing is committed: a try takes some tens of microseconds. */
const triesMax = 10_000;

/** Fields of the database's header, https://www.sqlite.org/fileformat2.html#the_database_header */
const headerFields = {
  writeVersion: 18,
  readVersion: 19,
  changeCounter: 24,
  pages: 28,
  versionValidFor: 92,
} as const;

const journals = { delete: 1, wal: 2 } as const;
/** How a database file says that it is to be used. */
export type Journal = keyof typeof journals;

/** A database as the bytes of one file. */
export interface FileImage {
  readonly pageBytes: number;
  readonly sizeBytes: number;
  /** Fills `into` from `offset`: whole pages, all within the file. */
  read(offset: number, into: Uint8Array<ArrayBuffer>): void;
}

/**
 * A database in WAL mode as it is at one moment, read as the bytes of a file while others write: its
 * own file, with the pages that are in the WAL only laid over it. There is no copy.
 *
 * A read transaction holds it. As long as it lasts a checkpoint writes no page into the database
 * file but from frames before it, which are read from the WAL here, and the WAL is not begun anew
 * before those frames are in the file. So whatever is not read from a frame stands still. The WAL
 * grows meanwhile: `grownBytes` says by how much.
 */
export class DatabaseImage implements FileImage, Disposable {
  readonly #connection: Database;
  readonly #file: OpenFile;
  readonly #wal: OpenFile;
  readonly #state: WalState;
  readonly #frameOf: Pick<FrameTable, "get">;
  readonly #frame: Uint8Array<ArrayBuffer>;
  readonly pageBytes: number;
  readonly sizeBytes: number;

  /** Throws an Error when writes leave no moment. */
  constructor(library: Library, path: string, busyTimeoutMs: number) {
    const connection = new Database(path, { library, readonly: true, busyTimeoutMs });
    try {
      connection.readHeader();
      this.#connection = connection;
      this.#file = new OpenFile(connection, "database");
      this.#state = this.#begin();
      this.#wal = new OpenFile(connection, "wal");
      const pages = Number(connection.scalar("PRAGMA page_count"));
      this.#frameOf = lastFrames(this.#file, this.#state, pages);
      this.pageBytes = Number(connection.scalar("PRAGMA page_size"));
      this.sizeBytes = this.pageBytes * pages;
      this.#frame = new Uint8Array(new ArrayBuffer(frameHeaderBytes + this.pageBytes));
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Begins a transaction of which the state is known: nothing was committed from before to after. */
  #begin(): WalState {
    for (let tries = 0; tries < triesMax; tries++) {
      const before = readWalState(this.#file);
      if (before === undefined) continue;
      this.#connection.exec("BEGIN");
      this.#connection.readHeader();
      // In this order, behind the transaction's begin: a WAL that is begun anew says so first.
      const { backfilled } = readWalState(this.#file) ?? {};
      this.#file.sharedMemoryBarrier();
      const after = readWalState(this.#file);
      if (backfilled !== undefined && after && sameBytes(before.header, after.header)) {
        return { ...after, backfilled };
      }
      this.#connection.exec("ROLLBACK");
    }
    throw new Error(`Database ${this.#connection.path} is written too fast to be held: try again`);
  }

  /** In the transaction: it sees what the image holds. */
  get connection(): Database {
    return this.#connection;
  }

  /** By how much the WAL has grown since, which nobody can begin anew. */
  get grownBytes(): number {
    const now = readWalState(this.#file);
    if (now === undefined) return 0;
    const before = sameBytes(now.salts, this.#state.salts) ? this.#state.frames : 0;
    return Math.max(0, now.frames - before) * this.#frame.length;
  }

  /** How much of the WAL is in use, by whom ever it was held. */
  get walBytes(): number {
    return (readWalState(this.#file)?.frames ?? 0) * this.#frame.length;
  }

  read(offset: number, into: Uint8Array<ArrayBuffer>): void {
    assert(this.#connection.open, "A database's image was read after its end");
    assert(
      offset % this.pageBytes === 0 && into.length % this.pageBytes === 0 &&
        offset + into.length <= this.sizeBytes,
      "A database's image is read by whole pages, up to its end",
    );
    /** What is behind is filled. */
    let filled = 0;
    for (let at = 0; at < into.length; at += this.pageBytes) {
      const page = (offset + at) / this.pageBytes + 1;
      const frame = this.#frameOf.get(page);
      const isLockPage = offset + at === lockPageOffset;
      if (frame === undefined && !isLockPage) continue;
      this.#readFile(offset + filled, into.subarray(filled, at));
      filled = at + this.pageBytes;
      if (frame === undefined) into.fill(0, at, filled);
      else into.set(this.#readFrame(page, frame), at);
    }
    this.#readFile(offset + filled, into.subarray(filled));
    if (offset === 0) this.#fixHeader(into);
  }

  #readFile(offset: number, into: Uint8Array<ArrayBuffer>): void {
    if (into.length === 0) return;
    if (!this.#file.read(offset, into)) {
      throw new Error(`Database ${this.#connection.path} ends early, before ${this.sizeBytes}`);
    }
  }

  #readFrame(page: number, frame: number): Uint8Array {
    const whole = this.#wal.read(walHeaderBytes + (frame - 1) * this.#frame.length, this.#frame);
    const salts = this.#frame.subarray(frameSaltsOffset, frameSaltsOffset + 8);
    const isThere = whole && new DataView(this.#frame.buffer).getUint32(0) === page &&
      sameBytes(salts, this.#state.salts);
    if (!isThere) throw new Error(`Page ${page} is not in the WAL, where its index says it is`);
    return this.#frame.subarray(frameHeaderBytes);
  }

  /** Of a file of its own, whose size is what it says. */
  #fixHeader(head: Uint8Array): void {
    setJournal(head, "delete");
    const view = new DataView(head.buffer, head.byteOffset);
    view.setUint32(headerFields.pages, this.sizeBytes / this.pageBytes);
    view.setUint32(headerFields.versionValidFor, view.getUint32(headerFields.changeCounter));
  }

  /** Lets go of it; more than once does nothing. */
  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Has a database file's first page say how it is to be used. */
export function setJournal(head: Uint8Array, journal: Journal): void {
  head[headerFields.writeVersion] = journals[journal];
  head[headerFields.readVersion] = journals[journal];
}
