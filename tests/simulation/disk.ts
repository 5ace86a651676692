import { Prng } from "../../src/base/prng.ts";
import {
  type Clock,
  type Disk,
  DiskError,
  type DiskErrorKind,
  type DiskFile,
} from "../../src/io/types.ts";
import { afterPowerCut, type Change, Content, directoryOf, Names } from "../power/fates.ts";

/** A file's content, apart from its names. */
class Inode {
  /** What the running machine sees. */
  cached = new Content();
  /** What the platters have for certain. */
  durable = new Content();
  changes: Change[] = [];
}

/** One call, for a fault to choose by. */
export interface DiskCall {
  /** Counts up from 1. */
  readonly number: number;
  readonly operation:
    | "open"
    | "write"
    | "read"
    | "size"
    | "truncate"
    | "sync"
    | "rename"
    | "link"
    | "remove"
    | "list"
    | "exists"
    | "makeDirectory"
    | "syncDirectory";
  readonly path: string;
}

export interface SimulatedDiskOptions {
  readonly seed: bigint;
  /** With a clock, calls take time: up to this many ms. */
  readonly clock?: Clock;
  readonly latencyMsMax?: number;
}

/**
 * A disk whose power can be cut, after SQLite's test6.c: each change that no sync has covered is
 * then applied, dropped, applied in some of its sectors, or garbage in some of them; names not
 * synced may be lost. Bytes outside a write are never harmed by it (SQLite's "powersafe
 * overwrite"). A failed sync leaves its changes in the cache only, as Linux does: later syncs
 * succeed and still do not write them.
 */
export class SimulatedDisk {
  #random: Prng;
  #clock: Clock | undefined;
  #latencyMsMax: number;
  readonly #names = new Names<Inode>();
  #directories = new Set<string>(["/", "."]);
  #calls = 0;
  /** Counts crashes: a handle of an earlier life never answers again. */
  #life = 0;
  /** Chooses a fault for a call; undefined lets it succeed. */
  fault: (call: DiskCall) => DiskErrorKind | undefined = () => undefined;
  /** Whether a power cut spares a change of names that no sync has covered. */
  keepName: () => boolean = () => this.#random.chance(0.5);
  /** What all files together may take, in bytes. */
  capacityBytes = Infinity;

  constructor(options: SimulatedDiskOptions) {
    this.#random = new Prng(options.seed);
    this.#clock = options.clock;
    this.#latencyMsMax = options.latencyMsMax ?? 0;
  }

  /** How many calls were made. */
  get calls(): number {
    return this.#calls;
  }

  /** Carries out `work` unless a fault is due or the machine was restarted meanwhile. */
  async #call<T>(
    life: number,
    operation: DiskCall["operation"],
    path: string,
    work: (fault: DiskErrorKind | undefined) => T,
  ): Promise<T> {
    const never = new Promise<never>(() => {});
    if (life !== this.#life) return never;
    const fault = this.fault({ number: ++this.#calls, operation, path });
    const clock = this.#clock;
    if (clock === undefined) {
      await Promise.resolve();
    } else {
      const delayMs = this.#latencyMsMax * this.#random.uint32() / 0x1_0000_0000;
      await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
    }
    if (life !== this.#life) return never;
    const result = work(fault);
    if (fault !== undefined) {
      throw new DiskError(fault, path, `Cannot ${operation} ${path}: simulated fault (${fault})`);
    }
    return result;
  }

  /** The disk as the program sees it until it dies: after that, its calls never return. */
  mount(): Disk {
    const life = this.#life;
    return {
      open: (path, options) => this.#open(life, path, options),
      list: (directory) => this.#list(life, directory),
      exists: (path) => this.#exists(life, path),
      makeDirectory: (path) => this.#makeDirectory(life, path),
      rename: (from, to) => this.#rename(life, from, to),
      link: (from, to) => this.#link(life, from, to),
      remove: (path) => this.#remove(life, path),
      syncDirectory: (path) => this.#syncDirectory(life, path),
    };
  }

  #open(life: number, path: string, options: { create: boolean }): Promise<DiskFile> {
    return this.#call(life, "open", path, (fault) => {
      let inode = this.#names.get(path);
      if (inode === undefined && fault === undefined) {
        if (!options.create || !this.#directories.has(directoryOf(path))) {
          throw new DiskError("not_found", path, `Cannot open ${path}: no such file`);
        }
        inode = new Inode();
        this.#names.change(directoryOf(path), [[path, inode]]);
      }
      return this.#handle(path, inode ?? new Inode(), life);
    });
  }

  #handle(path: string, inode: Inode, life: number): DiskFile {
    let closed = false;
    let last: Promise<unknown> = Promise.resolve();
    const call = <T>(
      operation: DiskCall["operation"],
      work: (fault: DiskErrorKind | undefined) => T,
    ): Promise<T> => {
      if (closed) {
        return Promise.reject(new DiskError("failed", path, `Cannot ${operation} ${path}: closed`));
      }
      const result = last.then(() => this.#call(life, operation, path, work));
      last = result.catch(() => {});
      return result;
    };
    return {
      path,
      write: (offset, bytes) => {
        const copy = bytes.slice();
        return call("write", (fault) => this.#write(path, inode, offset, copy, fault));
      },
      read: (offset, length) => call("read", () => inode.cached.slice(offset, offset + length)),
      size: () => call("size", () => inode.cached.length),
      truncate: (size) =>
        call("truncate", (fault) => {
          if (fault === undefined) this.#change(inode, { type: "truncate", size });
        }),
      sync: () => call("sync", (fault) => this.#sync(inode, fault)),
      close: () => {
        closed = true;
      },
    };
  }

  #change(inode: Inode, change: Change): void {
    inode.changes.push(change);
    inode.cached.apply(change);
  }

  #write(
    path: string,
    inode: Inode,
    offset: number,
    bytes: Uint8Array,
    fault: DiskErrorKind | undefined,
  ): void {
    const growth = Math.max(0, offset + bytes.length - inode.cached.length);
    const full = this.usedBytes + growth > this.capacityBytes;
    if (fault === undefined && !full) {
      this.#change(inode, { type: "write", offset, bytes });
      return;
    }
    const part = bytes.subarray(0, this.#random.below(bytes.length + 1));
    if (!full) this.#change(inode, { type: "write", offset, bytes: part });
    if (full) {
      const room = this.capacityBytes - this.usedBytes + bytes.length - growth;
      const fitting = bytes.subarray(0, Math.max(0, Math.min(part.length, room)));
      if (fitting.length > 0) this.#change(inode, { type: "write", offset, bytes: fitting });
      throw new DiskError("full", path, `Cannot write to ${path}: no space left`);
    }
  }

  #sync(inode: Inode, fault: DiskErrorKind | undefined): void {
    if (fault === undefined) {
      for (const change of inode.changes) inode.durable.apply(change);
    } else {
      inode.durable = new Content(afterPowerCut(inode.durable, inode.changes, this.#random));
    }
    inode.changes = [];
  }

  /** The sum of all file sizes. */
  get usedBytes(): number {
    let sum = 0;
    for (const inode of this.#names.inodes) sum += inode.cached.length;
    return sum;
  }

  #list(life: number, directory: string): Promise<string[]> {
    return this.#call(life, "list", directory, () => {
      if (!this.#directories.has(directory)) {
        throw new DiskError("not_found", directory, `Cannot list ${directory}: no such directory`);
      }
      const paths = this.#names.paths.filter((path) => directoryOf(path) === directory);
      return paths.map((path) => path.slice(path.lastIndexOf("/") + 1)).sort();
    });
  }

  #exists(life: number, path: string): Promise<boolean> {
    return this.#call(
      life,
      "exists",
      path,
      () => this.#names.get(path) !== undefined || this.#directories.has(path),
    );
  }

  #makeDirectory(life: number, path: string): Promise<void> {
    return this.#call(life, "makeDirectory", path, (fault) => {
      if (fault === undefined) this.#directories.add(path);
    });
  }

  #rename(life: number, from: string, to: string): Promise<void> {
    return this.#call(life, "rename", from, (fault) => {
      if (fault !== undefined) return;
      this.#names.change(directoryOf(to), [[from, undefined], [to, this.#existing(from)]]);
    });
  }

  #link(life: number, from: string, to: string): Promise<void> {
    return this.#call(life, "link", from, (fault) => {
      if (fault !== undefined) return;
      this.#names.change(directoryOf(to), [[to, this.#existing(from)]]);
    });
  }

  #remove(life: number, path: string): Promise<void> {
    return this.#call(life, "remove", path, (fault) => {
      if (fault !== undefined) return;
      this.#existing(path);
      this.#names.change(directoryOf(path), [[path, undefined]]);
    });
  }

  #existing(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode !== undefined) return inode;
    throw new DiskError("not_found", path, `Cannot find ${path}: no such file`);
  }

  #syncDirectory(life: number, path: string): Promise<void> {
    return this.#call(life, "syncDirectory", path, (fault) => {
      if (fault !== undefined) return;
      this.#names.syncDirectory(path);
    });
  }

  /** The program dies and the machine lives on: everything written is still there. */
  killProcess(): void {
    this.#life++;
  }

  /** The machine dies: what no sync has covered meets its fate. */
  cutPower(): void {
    this.#life++;
    this.#names.cutPower(this.keepName);
    for (const inode of this.#names.inodes) {
      inode.durable = new Content(afterPowerCut(inode.durable, inode.changes, this.#random));
      inode.cached = new Content(inode.durable.slice());
      inode.changes = [];
    }
  }

  /** The content of a file, as the running machine sees it. */
  content(path: string): Uint8Array<ArrayBuffer> {
    return this.#existing(path).cached.slice();
  }

  /** Replaces the content of a file, as damage to the platters does. */
  setContent(path: string, content: Uint8Array): void {
    const inode = this.#existing(path);
    inode.cached = new Content(content);
    inode.durable = new Content(content);
    inode.changes = [];
  }

  /** Puts files there as if they had always been, and their directories. */
  install(files: ReadonlyMap<string, Uint8Array>): void {
    for (const [path, content] of files) {
      this.#directories.add(directoryOf(path));
      const inode = new Inode();
      this.#names.settle(path, inode);
      this.setContent(path, content);
    }
  }

  /** The paths of all files, sorted. */
  paths(): string[] {
    return this.#names.paths.sort();
  }

  /** A file loses its name, durably, as by a mistake. */
  loseFile(path: string): void {
    this.#names.settle(path, undefined);
  }
}
