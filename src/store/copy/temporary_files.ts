import { assert } from "../../base/assert.ts";
import { basename, dirname } from "node:path";
import { messageOf } from "../../base/message_of.ts";
import { type Disk, DiskError, type DiskFile, type Logger } from "../../io/types.ts";
import { filesOfDatabase } from "../../sqlite/mod.ts";
import { StoreBusyError } from "../types.ts";

/**
 * What a temporary file is for, and how many such files there may be: each may become a whole copy
 * of the database, but for those of answers, which have bounds of their own.
 */
const countsMax = {
  /** On its way to a client. */
  backup: 8,
  /** On its way to an object store, and what it is made of: a backup, and a base copy of an archive. */
  pack: 4,
  /** A user's backup on its way in: as it came, and unpacked. */
  restore: 4,
  /** On its way to a follower. */
  snapshot: 8,
  /** What slow clients have not taken yet of their answers. */
  answer: 512,
  /** On its way into the database's place; an older leader's may still be ending. */
  received: 2,
  /** What was the database until another file took its place. */
  replaced: 1,
} as const;

export type TemporaryKind = keyof typeof countsMax;

export interface TemporaryFilesParts {
  readonly disk: Disk;
  readonly logger: Logger;
  readonly databasePath: string;
  /** How many there may be of a kind, where it is not what `countsMax` says. */
  readonly limits?: Partial<Readonly<Record<TemporaryKind, number>>>;
}

/** The files that work under way keeps beside the database, each with an owner that removes it. */
export class TemporaryFiles {
  readonly #disk: Disk;
  readonly #logger: Logger;
  readonly #databasePath: string;
  readonly #countsMax: Readonly<Record<TemporaryKind, number>>;
  readonly #files = new Set<TemporaryFile>();

  constructor({ disk, logger, databasePath, limits }: TemporaryFilesParts) {
    this.#disk = disk;
    this.#logger = logger;
    this.#databasePath = databasePath;
    this.#countsMax = { ...countsMax, ...limits };
  }

  /** A name for a file that is not there yet; throws a StoreBusyError when there are too many of the kind. */
  make(kind: TemporaryKind): TemporaryFile {
    const count = [...this.#files].filter((file) => file.kind === kind).length;
    if (count >= this.#countsMax[kind]) {
      throw new StoreBusyError(
        `Too many temporary files: ${count} (${kind}) are kept, try again when one is done`,
      );
    }
    const path = `${this.#databasePath}.tmp-${kind}-${crypto.randomUUID().slice(0, 8)}`;
    const file = new TemporaryFile({
      kind,
      disk: this.#disk,
      path,
      removed: (failure) => {
        this.#files.delete(file);
        if (failure !== undefined) {
          this.#logger.log("WARN", "store", `${failure}; the next start of the node removes it`);
        }
      },
    });
    this.#files.add(file);
    return file;
  }

  /** Removes what an earlier run has left. */
  async removeLeftovers(): Promise<void> {
    const directory = dirname(this.#databasePath);
    const prefix = `${basename(this.#databasePath)}.tmp-`;
    for (const name of await this.#disk.list(directory)) {
      if (name.startsWith(prefix)) await this.#disk.remove(`${directory}/${name}`);
    }
  }

  /** Removes all that are left: nobody goes on with them. */
  async end(): Promise<void> {
    await Promise.all([...this.#files].map((file) => file.remove()));
  }
}

interface TemporaryFileParts {
  readonly kind: TemporaryKind;
  readonly disk: Disk;
  readonly path: string;
  /** Called once, with what went wrong if the file is there still. */
  readonly removed: (failure?: string) => void;
}

/** One of them, and its handle while it is open. */
export class TemporaryFile {
  readonly kind: TemporaryKind;
  readonly path: string;
  readonly #disk: Disk;
  readonly #removed: (failure?: string) => void;
  #file: DiskFile | undefined;
  /** A file that is being made cannot be removed yet; never rejects. */
  #opening: Promise<unknown> = Promise.resolve();
  #removing: Promise<void> | undefined;

  constructor({ kind, disk, path, removed }: TemporaryFileParts) {
    this.kind = kind;
    this.path = path;
    this.#disk = disk;
    this.#removed = removed;
  }

  /** Opens it; `close` and `remove` close it again. */
  async open(options: { readonly create: boolean }): Promise<DiskFile> {
    assert(this.#file === undefined, "A temporary file was opened while it was open");
    if (this.#removing !== undefined) throw new Error(`File ${this.path} is removed`);
    const opening = this.#disk.open(this.path, options);
    this.#opening = opening.catch(() => {});
    return this.#file = await opening;
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /**
   * Removes it and whatever SQLite put beside it; none of them needs to be there. Once is enough, and
   * it never rejects: the work that the file was for has ended, well or not.
   */
  remove(): Promise<void> {
    this.#removing ??= this.#remove();
    return this.#removing;
  }

  async #remove(): Promise<void> {
    await this.#opening;
    this.close();
    let failure: string | undefined;
    for (const file of filesOfDatabase(this.path)) {
      try {
        await this.#disk.remove(file);
      } catch (error) {
        const isGone = error instanceof DiskError && error.kind === "not_found";
        if (!isGone) failure = messageOf(error);
      }
    }
    this.#removed(failure);
  }
}
