import { Buffer } from "node:buffer";
import { messageOf } from "../base/message_of.ts";
import { Database } from "./database.ts";
import { type FileImage, type Journal, setJournal } from "./database_image.ts";
import type { Library } from "./library.ts";
import { MemoryVfs } from "./memory_vfs.ts";

/** What an edit would keep in memory is more than it may. */
export class EditTooLargeError extends Error {
  override name = "EditTooLargeError";
}

/** What a changed page costs besides its bytes. */
const placeBytes = 64;

/**
 * An image of a database with changes of its own, which SQLite makes: the pages that it writes are
 * kept in memory, all others are the image's. Pages of zeros, as secure_delete leaves them, share
 * their bytes.
 */
export class ImageEdit implements FileImage {
  readonly #image: FileImage;
  readonly #bytesMax: number;
  readonly #pages = new Map<number, Uint8Array<ArrayBuffer>>();
  readonly #zeros: Uint8Array<ArrayBuffer>;
  #sizeBytes: number;
  #keptBytes = 0;

  constructor(image: FileImage, bytesMax: number) {
    this.#image = image;
    this.#bytesMax = bytesMax;
    this.#sizeBytes = image.sizeBytes;
    this.#zeros = new Uint8Array(new ArrayBuffer(image.pageBytes));
  }

  get pageBytes(): number {
    return this.#image.pageBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Opens the edited file for `work`, in which it is an ordinary database; `path` names it, and
   * nothing is there. Throws an EditTooLargeError when the changes do not fit.
   */
  change(library: Library, path: string, work: (database: Database) => void): void {
    let failure: unknown;
    const guarded = <Result>(call: () => Result): Result => {
      try {
        return call();
      } catch (error) {
        failure ??= error;
        throw error;
      }
    };
    using vfs = new MemoryVfs(library, {
      size: () => this.#sizeBytes,
      read: (offset, length) => guarded(() => this.#readAny(offset, length)),
      write: (offset, bytes) => guarded(() => this.#write(offset, bytes)),
      truncate: (size) => guarded(() => this.#truncate(size)),
    });
    try {
      using database = new Database(path, { library, create: false, vfs: vfs.name });
      // All that is in memory is the changed pages: what failed is thrown away.
      database.exec("PRAGMA journal_mode = OFF; PRAGMA temp_store = MEMORY");
      // What is deleted leaves no trace: equal databases give equal files.
      database.exec("PRAGMA secure_delete = ON");
      work(database);
    } catch (error) {
      if (failure instanceof EditTooLargeError) throw failure;
      if (failure !== undefined) throw new Error(messageOf(failure), { cause: error });
      throw error;
    }
  }

  setJournal(journal: Journal): void {
    const head = new Uint8Array(new ArrayBuffer(this.pageBytes));
    this.read(0, head);
    setJournal(head, journal);
    this.#keep(0, head);
  }

  read(offset: number, into: Uint8Array<ArrayBuffer>): void {
    let filled = 0;
    for (let at = 0; at < into.length; at += this.pageBytes) {
      const page = this.#pages.get(offset + at);
      if (page === undefined) continue;
      this.#readImage(offset + filled, into.subarray(filled, at));
      into.set(page, at);
      filled = at + this.pageBytes;
    }
    this.#readImage(offset + filled, into.subarray(filled));
  }

  #readImage(offset: number, into: Uint8Array<ArrayBuffer>): void {
    if (into.length > 0) this.#image.read(offset, into);
  }

  /** What SQLite asks for, a header too; shorter than that at the file's end. */
  #readAny(offset: number, length: number): Uint8Array {
    const end = Math.min(offset + length, this.#sizeBytes);
    if (end <= offset) return new Uint8Array(0);
    const from = offset - offset % this.pageBytes;
    const to = Math.ceil(end / this.pageBytes) * this.pageBytes;
    const pages = new Uint8Array(new ArrayBuffer(to - from));
    this.read(from, pages);
    return pages.subarray(offset - from, end - from);
  }

  #write(offset: number, bytes: Uint8Array): void {
    if (offset % this.pageBytes !== 0 || bytes.length !== this.pageBytes) {
      throw new Error(`SQLite wrote ${bytes.length} bytes at ${offset}: not a page`);
    }
    // A page behind the image's end, with none between, would be asked of the image.
    if (offset > this.#sizeBytes) this.#truncate(offset);
    this.#keep(offset, bytes);
    this.#sizeBytes = Math.max(this.#sizeBytes, offset + bytes.length);
  }

  #keep(offset: number, bytes: Uint8Array): void {
    this.#forget(offset);
    const isEmpty = Buffer.compare(bytes, this.#zeros) === 0;
    const page = isEmpty ? this.#zeros : bytes.slice() as Uint8Array<ArrayBuffer>;
    this.#keptBytes += this.#costOf(page);
    if (this.#keptBytes > this.#bytesMax) {
      throw new EditTooLargeError(`Changes to an image take more than ${this.#bytesMax} bytes`);
    }
    this.#pages.set(offset, page);
  }

  #forget(offset: number): void {
    const page = this.#pages.get(offset);
    if (page === undefined) return;
    this.#keptBytes -= this.#costOf(page);
    this.#pages.delete(offset);
  }

  #costOf(page: Uint8Array): number {
    return placeBytes + (page === this.#zeros ? 0 : this.pageBytes);
  }

  #truncate(size: number): void {
    for (const offset of [...this.#pages.keys()]) {
      if (offset >= size) this.#forget(offset);
    }
    for (let at = this.#sizeBytes; at < size; at += this.pageBytes) this.#keep(at, this.#zeros);
    this.#sizeBytes = size;
  }
}
