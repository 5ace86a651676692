import { checksum } from "../../base/checksum.ts";
import { removeIfThere } from "../../io/remove_if_there.ts";
import type { Clock, Disk, DiskFile, Timer } from "../../io/types.ts";
import { writeEvenly } from "../../io/write_evenly.ts";
import type { PieceReader } from "./load_table.ts";

/** How long the file of a load is kept of which nothing comes any more, in ms. */
const idleMs = 600_000;

/** What the pieces of a load make when one follows on the other. */
export interface Gathered {
  readonly size: number;
  readonly checksum: number;
}

/**
 * The file that a load's pieces make, put together as they come: all writes wait for a load's last
 * entry, and would wait for gigabytes to be copied. The table has what counts; this may be dropped,
 * and begun anew, at any time.
 */
export class GatheredFile {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly path: string;
  /** Whose pieces it has; without a file it was given up for that load. */
  #loadId: bigint | undefined;
  #file: DiskFile | undefined;
  #size = 0;
  #sum = 0;
  #idle: Timer | undefined;
  /** The name is to be another file's only once this one is gone. */
  #removed: Promise<unknown> = Promise.resolve();
  /** Memory for a piece: all but the last have the same length. */
  #piece = new Uint8Array(0);

  constructor(disk: Disk, clock: Clock, path: string) {
    this.#disk = disk;
    this.#clock = clock;
    this.path = path;
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
      if (loadId === undefined) return await this.drop();
      if (loadId !== this.#loadId) await this.#begin(loadId);
      if (this.#file !== undefined) await this.#gather(this.#file, pieces);
    } catch {
      return await this.giveUp();
    }
    if (this.#file !== undefined) this.#idle = this.#clock.after(idleMs, () => void this.giveUp());
  }

  /** Removes what was gathered of this load, and takes no more of it before its end. */
  async giveUp(): Promise<void> {
    const loadId = this.#loadId;
    const dropped = this.drop();
    this.#loadId = loadId;
    // What cannot be removed is overwritten by the next load, or removed by the next start.
    await dropped.catch(() => {});
  }

  /**
   * Puts all of a load together, without what was gathered before where that does not make what is
   * wanted. Rejects with a DiskError. The file is the caller's then.
   */
  async finish(pieces: PieceReader, wanted: Gathered): Promise<Gathered> {
    const { loadId } = pieces;
    this.#idle?.cancel();
    if (this.#file !== undefined && this.#loadId === loadId) {
      const gathered = await this.#gather(this.#file, pieces);
      if (gathered.size === wanted.size && gathered.checksum === wanted.checksum) {
        this.letGo();
        return gathered;
      }
    }
    const file = await this.#begin(loadId);
    try {
      return await this.#gather(file, pieces);
    } finally {
      this.letGo();
    }
  }

  /** Removes what was gathered. */
  async drop(): Promise<void> {
    const isThere = this.#file !== undefined;
    this.letGo();
    if (!isThere) return;
    const removed = removeIfThere(this.#disk, this.path);
    this.#removed = removed.catch(() => {});
    await removed;
  }

  /** Closes the file and leaves it where it is. */
  letGo(): void {
    this.#idle?.cancel();
    this.#file?.close();
    this.#file = undefined;
    this.#loadId = undefined;
    this.#piece = new Uint8Array(0);
  }

  async #begin(loadId: bigint | undefined): Promise<DiskFile> {
    this.letGo();
    await this.#removed;
    this.#loadId = loadId;
    this.#size = this.#sum = 0;
    const file = this.#file = await this.#disk.open(this.path, { create: true });
    await file.truncate(0);
    return file;
  }

  async #gather(file: DiskFile, pieces: PieceReader): Promise<Gathered> {
    // What a read gives is valid until the next, but no read is left open while the disk works.
    while (pieces.read(this.#size, (bytes) => this.#copy(bytes))) {
      await writeEvenly(file, this.#size, this.#piece);
      this.#sum = checksum(this.#piece, this.#sum);
      this.#size += this.#piece.length;
    }
    return { size: this.#size, checksum: this.#sum };
  }

  #copy(bytes: Uint8Array): void {
    if (this.#piece.length !== bytes.length) this.#piece = new Uint8Array(bytes.length);
    this.#piece.set(bytes);
  }
}
