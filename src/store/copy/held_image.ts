import type { Clock, Disk, DiskFile, Timer } from "../../io/types.ts";
import {
  type Database,
  DatabaseImage,
  type FileImage,
  ImageEdit,
  type Journal,
  type Library,
} from "../../sqlite/mod.ts";
import { betweenEntries } from "./between_entries.ts";
import { dropRaftTables, readRaftState, resumeAtStart } from "../apply/raft_table.ts";
import { reasonOf } from "../failures.ts";
import type { AppliedPosition } from "../types.ts";

const busyTimeoutMs = 5000;

/** How often it is looked how long an image is held, and how much the WAL has grown, in ms. */
const watchEveryMs = 1000;

/** Times what it may grow for one image, the WAL may be in all: of several, one may always hold it. */
const walFactor = 2;

/** Copied between two turns of the event loop. */
const restPieceBytes = 0x10_0000;

/**
 * How long a database is held for those who read an image of it, then the rest is copied; and what an
 * image costs in memory.
 */
export interface ImageLimits {
  /** By so many bytes the WAL may grow. */
  readonly grownBytesMax: number;
  readonly heldMsMax: number;
  /** What the users' image may have of its own, in memory: without the tables of the store's. */
  readonly editBytesMax: number;
}

/** Whose data: the users' only, or with what the store keeps for itself, in journal mode DELETE. */
export type ImageContent =
  | { readonly of: "all" }
  | { readonly of: "user"; readonly journal: Journal };

export interface HeldImageOptions {
  readonly library: Library;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly path: string;
  /** Where the rest goes; the caller removes it, if it is there. */
  readonly restPath: string;
  readonly content: ImageContent;
  readonly limits: ImageLimits;
  /** Called when the database is held no more, be the image read on or closed. */
  readonly letGo?: () => void;
}

/**
 * The database as one file at one moment, to be read once, from its beginning to its end. It is no
 * copy, as long as its reader is fast enough: one who is not would have the WAL grow without end. So
 * what is left is copied then, and read from there.
 */
export class HeldImage {
  readonly position: AppliedPosition;
  /** Whether it holds whole entries only. */
  readonly isWhole: boolean;
  readonly sizeBytes: number;
  readonly #options: HeldImageOptions;
  readonly #held: DatabaseImage;
  readonly #file: FileImage;
  readonly #heldSince: number;
  #watch: Timer | undefined;
  /** All before this was asked for. */
  #next = 0;
  #rest: { readonly file: DiskFile; readonly from: number } | undefined;
  #resting: Promise<void> | undefined;
  #failure: Error | undefined;

  /** One that is of a moment between two entries, where there is one soon; `check` throws to give up. */
  static async between(options: HeldImageOptions, check: () => void): Promise<HeldImage> {
    let isWanted = false;
    const letGo = () => {
      if (isWanted) options.letGo?.();
    };
    const { clock, library, path } = options;
    const image = await betweenEntries({
      ...{ clock, library, path },
      open: () => new HeldImage({ ...options, letGo }),
      close: (image) => image.close(),
      check,
    });
    isWanted = true;
    return image;
  }

  /** Throws an EditTooLargeError when too much would have to be left out. */
  constructor(options: HeldImageOptions) {
    const { library, path, restPath, content, clock, limits } = options;
    this.#options = options;
    this.#heldSince = clock.now();
    this.#held = new DatabaseImage(library, path, busyTimeoutMs);
    try {
      const { index, term, resume } = readRaftState(this.#held.connection);
      this.position = { index, term };
      this.isWhole = resume === resumeAtStart;
      this.#file = content.of === "all"
        ? this.#held
        : usersImage(this.#held, library, restPath, content.journal, limits.editBytesMax);
      this.sizeBytes = this.#file.sizeBytes;
    } catch (error) {
      this.#held.close();
      throw error;
    }
    this.#watchOn();
  }

  #watchOn(): void {
    this.#watch = this.#options.clock.after(watchEveryMs, () => {
      const { limits: { grownBytesMax, heldMsMax }, clock } = this.#options;
      const { grownBytes, walBytes } = this.#held;
      const isTooMuch = clock.now() - this.#heldSince > heldMsMax ||
        grownBytes > grownBytesMax ||
        grownBytes > 0 && walBytes > grownBytesMax * walFactor;
      if (isTooMuch) void this.copyRest();
      else this.#watchOn();
    });
  }

  /** Reads `length` bytes, whole pages but at the end. Nothing before what was asked for is there any more. */
  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#next = Math.max(this.#next, offset + length);
    if (this.#rest === undefined) return readImage(this.#file, offset, length);
    const { file, from } = this.#rest;
    const bytes = await file.read(offset - from, length);
    if (bytes.length < length) throw new Error(`File ${file.path} ends early, before ${length}`);
    return bytes as Uint8Array<ArrayBuffer>;
  }

  /** Copies what nobody has asked for yet, and lets the database go; once, and it never rejects. */
  copyRest(): Promise<void> {
    this.#resting ??= this.#copyRest().catch((error) => {
      this.#failure ??= new Error(
        `Copy given up: it took so long that the rest was to be copied: ${reasonOf(error)}`,
        { cause: error },
      );
    }).finally(() => this.#letGo());
    return this.#resting;
  }

  async #copyRest(): Promise<void> {
    const { disk, restPath } = this.#options;
    const from = this.#next;
    const file = await disk.open(restPath, { create: true });
    try {
      for (let at = from; at < this.sizeBytes && this.#failure === undefined;) {
        const length = Math.min(restPieceBytes, this.sizeBytes - at);
        await file.write(at - from, readImage(this.#file, at, length));
        at += length;
      }
    } catch (error) {
      file.close();
      throw error;
    }
    if (this.#failure === undefined) this.#rest = { file, from };
    else file.close();
  }

  #letGo(): void {
    this.#watch?.cancel();
    this.#held.close();
    this.#options.letGo?.();
  }

  /** Resolves when nothing of it is in use; more than once does nothing. */
  async close(): Promise<void> {
    this.#failure ??= new Error("The copy was closed");
    this.#letGo();
    await this.#resting;
    this.#rest?.file.close();
    this.#rest = undefined;
  }
}

function usersImage(
  image: FileImage,
  library: Library,
  name: string,
  journal: Journal,
  editBytesMax: number,
): FileImage {
  const edit = new ImageEdit(image, editBytesMax);
  edit.change(library, name, (database: Database) => dropRaftTables(database));
  edit.setJournal(journal);
  return edit;
}

function readImage(image: FileImage, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(length));
  image.read(offset, bytes);
  return bytes;
}
