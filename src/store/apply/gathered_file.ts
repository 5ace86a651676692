import { checksum } from "../../base/checksum.ts";
import { removeIfThere } from "../../io/remove_if_there.ts";
import type { Clock, Disk, DiskFile, Timer } from "../../io/types.ts";
import { filesOfDatabase } from "../../sqlite/mod.ts";
import { writeEvenly } from "../../io/write_evenly.ts";
import { headerBytes, isSqliteFile, readFileHeader } from "../copy/file_header.ts";
import type { LoadVerdict } from "./load_checks.ts";
import type { PieceReader } from "./load_table.ts";

/** How long the file of a load is kept of which nothing comes any more, in ms. */
const idleMs = 600_000;

/** What the pieces of a load make when one follows on the other. */
export interface Gathered {
  readonly size: number;
  readonly checksum: number;
}

export interface Finished extends Gathered {
  /** Of a check ahead, which has prepared the file; "unknown" where there was none. */
  readonly verdict: LoadVerdict;
}

const unknown: LoadVerdict = { type: "unknown" };

/**
 * The file that a load's pieces make, put together as they come, and checked once it has as many
 * bytes as its header says: all writes wait for a load's last entry, and would wait for gigabytes to
 * be copied and read. The table has what counts; this may be dropped, and begun anew, at any time.
 */
export class GatheredFile {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #name: string;
  readonly #startCheck: (path: string) => Promise<LoadVerdict>;
  /** Each file has a name of its own: one that is given up may be read by its check still. */
  #files = 0;
  /** Whose pieces it has; without a file it was given up for that load. */
  #loadId: bigint | undefined;
  /** While it grows. */
  #file: DiskFile | undefined;
  /** Once it is whole. */
  #check: Promise<LoadVerdict> | undefined;
  #size = 0;
  #sum = 0;
  /** Its size by its header; undefined where that does not say. */
  #sizeExpected: number | undefined;
  #idle: Timer | undefined;
  #removing: Promise<void> = Promise.resolve();
  /** Memory for a piece: all but the last have the same length. */
  #piece = new Uint8Array(0);

  /** @param check Checks and prepares a file, beside what is done here; never rejects. */
  constructor(
    disk: Disk,
    clock: Clock,
    name: string,
    check: (path: string) => Promise<LoadVerdict>,
  ) {
    this.#disk = disk;
    this.#clock = clock;
    this.#name = name;
    this.#startCheck = check;
  }

  /** Of the file that was begun last. */
  get path(): string {
    return `${this.#name}-${this.#files}`;
  }

  /**
   * Takes what has arrived since, or lets go of a load that was dropped. Without room for it, or on a
   * disk that fails, it is given up: the load's last entry finds the same, and has to deal with it.
   * So it is when nothing follows for long: whoever sends a load can be gone without a word.
   */
  async follow(open: () => PieceReader): Promise<void> {
    this.#idle?.cancel();
    try {
      using pieces = open();
      const { loadId } = pieces;
      if (loadId === undefined) return this.drop();
      if (loadId !== this.#loadId) await this.#begin(loadId);
      if (this.#file !== undefined) await this.#gather(this.#file, pieces);
      if (this.#size === this.#sizeExpected) this.#checkAhead();
    } catch {
      return this.giveUp();
    }
    if (this.#isThere) this.#idle = this.#clock.after(idleMs, () => this.giveUp());
  }

  /** Removes what was gathered of this load, and takes no more of it before its end. */
  giveUp(): void {
    const loadId = this.#loadId;
    this.drop();
    this.#loadId = loadId;
  }

  /** What comes behind it is no more a part of this file, which may be changed by its check. */
  #checkAhead(): void {
    if (this.#file === undefined) return;
    this.#file.close();
    this.#file = undefined;
    this.#check = this.#startCheck(this.path);
  }

  /**
   * Puts all of a load together, without what was gathered before where that does not make what is
   * wanted, and waits for its check where one runs. Rejects with a DiskError. The file is the
   * caller's then, where there is one.
   */
  async finish(pieces: PieceReader, wanted: Gathered): Promise<Finished> {
    const { loadId } = pieces;
    this.#idle?.cancel();
    if (this.#loadId === loadId) {
      if (this.#file !== undefined) await this.#gather(this.#file, pieces);
      const gathered = { size: this.#size, checksum: this.#sum };
      const isWanted = gathered.size === wanted.size && gathered.checksum === wanted.checksum;
      const verdict = isWanted ? await this.#check ?? unknown : unknown;
      // A check that was given up may have left it half prepared.
      const isUsable = this.#file !== undefined || verdict.type !== "unknown";
      if (isWanted && isUsable) {
        this.letGo();
        return { ...gathered, verdict };
      }
    }
    const file = await this.#begin(loadId);
    try {
      await this.#gather(file, pieces);
      return { size: this.#size, checksum: this.#sum, verdict: unknown };
    } finally {
      this.letGo();
    }
  }

  get #isThere(): boolean {
    return this.#file !== undefined || this.#check !== undefined;
  }

  /** Removes what was gathered. */
  drop(): void {
    const isThere = this.#isThere;
    this.letGo();
    if (isThere) this.remove();
  }

  /**
   * Removes the file that was begun last, beside what follows: a large one takes long, and writes would
   * wait for it. What cannot be removed is removed by the next start.
   */
  remove(): void {
    const files = filesOfDatabase(this.path);
    this.#removing = this.#removing.then(async () => {
      for (const file of files) await removeIfThere(this.#disk, file);
    }).catch(() => {});
  }

  /** Resolves when all that was removed has given its room back; never rejects. */
  removed(): Promise<void> {
    return this.#removing;
  }

  /** Closes the file and leaves it where it is. */
  letGo(): void {
    this.#idle?.cancel();
    this.#file?.close();
    this.#file = this.#check = undefined;
    this.#loadId = undefined;
    this.#piece = new Uint8Array(0);
  }

  async #begin(loadId: bigint | undefined): Promise<DiskFile> {
    this.giveUp();
    this.#loadId = loadId;
    this.#size = this.#sum = 0;
    this.#sizeExpected = undefined;
    this.#files++;
    return this.#file = await this.#disk.open(this.path, { create: true });
  }

  async #gather(file: DiskFile, pieces: PieceReader): Promise<void> {
    // What a read gives is valid until the next, but no read is left open while the disk works.
    while (pieces.read(this.#size, (bytes) => this.#copy(bytes))) {
      if (this.#size === 0) this.#sizeExpected = sizeByHeader(this.#piece);
      await writeEvenly(file, this.#size, this.#piece);
      this.#sum = checksum(this.#piece, this.#sum);
      this.#size += this.#piece.length;
    }
  }

  #copy(bytes: Uint8Array): void {
    if (this.#piece.length !== bytes.length) this.#piece = new Uint8Array(bytes.length);
    this.#piece.set(bytes);
  }
}

function sizeByHeader(head: Uint8Array): number | undefined {
  if (head.length < headerBytes || !isSqliteFile(head)) return undefined;
  const { pageSize, pages } = readFileHeader(head);
  return pages === undefined ? undefined : pages * pageSize;
}
