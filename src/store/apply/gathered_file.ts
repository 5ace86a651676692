import { checksum } from "../../base/checksum.ts";
import { removeIfThere } from "../../io/remove_if_there.ts";
import type { Disk, DiskFile } from "../../io/types.ts";
import { writeEvenly } from "../../io/write_evenly.ts";
import type { PieceReader } from "./load_table.ts";

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
  readonly path: string;
  /** Whose pieces it has; without a file it was given up for that load. */
  #loadId: bigint | undefined;
  #file: DiskFile | undefined;
  #size = 0;
  #sum = 0;
  /** Memory for a piece: all but the last have the same length. */
  #piece = new Uint8Array(0);

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.path = path;
  }

  /**
   * Takes what has arrived since, or lets go of a load that was dropped. Without room for it, or on a
   * disk that fails, it is given up: the load's last entry finds the same, and has to deal with it.
   */
  async follow(open: () => PieceReader): Promise<void> {
    try {
      using pieces = open();
      const { loadId } = pieces;
      if (loadId === undefined) return await this.drop();
      if (loadId !== this.#loadId) await this.#begin(loadId);
      if (this.#file !== undefined) await this.#gather(this.#file, pieces);
    } catch {
      await this.giveUp();
    }
  }

  /** Removes what was gathered of this load, and takes no more of it before its end. */
  async giveUp(): Promise<void> {
    const loadId = this.#loadId;
    // What cannot be removed is overwritten by the next load, or removed by the next start.
    await this.drop().catch(() => {});
    this.#loadId = loadId;
  }

  /**
   * Puts all of a load together, without what was gathered before where that does not make what is
   * wanted. Rejects with a DiskError. The file is the caller's then.
   */
  async finish(pieces: PieceReader, wanted: Gathered): Promise<Gathered> {
    const { loadId } = pieces;
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
    if (isThere) await removeIfThere(this.#disk, this.path);
  }

  /** Closes the file and leaves it where it is. */
  letGo(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#loadId = undefined;
    this.#piece = new Uint8Array(0);
  }

  async #begin(loadId: bigint | undefined): Promise<DiskFile> {
    this.letGo();
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
