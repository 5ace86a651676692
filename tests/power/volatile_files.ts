import type { Prng } from "../../src/base/prng.ts";
import type { DiskEvent } from "./disk_recorder.ts";
import { afterPowerCut, type Change, Content, directoryOf, Names } from "./fates.ts";

/** What the disk has of a file for certain, and what was done to it since. */
export class VolatileFile {
  #durable: Content;
  #changes: Change[] = [];

  constructor(durable?: Uint8Array) {
    this.#durable = new Content(durable);
  }

  change(change: Change): void {
    this.#changes.push(change);
  }

  sync(): void {
    for (const change of this.#changes) this.#durable.apply(change);
    this.#changes = [];
  }

  /** What it was to write may be there or not, and no later sync writes it: Linux takes it for written. */
  failSync(random: Prng): void {
    this.#durable = new Content(this.afterPowerCut(random));
    this.#changes = [];
  }

  /**
   * Of many changes each with a fate of its own hardly ever a whole transaction is left; so sometimes
   * all are there, or all up to one of them.
   */
  afterPowerCut(random: Prng): Uint8Array<ArrayBuffer> {
    const kind = random.below(4);
    const { length } = this.#changes;
    const spared = kind === 0 ? length : kind === 1 ? random.below(length + 1) : 0;
    const content = new Content(this.#durable.slice());
    for (const change of this.#changes.slice(0, spared)) content.apply(change);
    return afterPowerCut(content, this.#changes.slice(spared), random);
  }
}

function writeOf({ offset, bytes }: DiskEvent & { type: "written" }): Change {
  return { type: "write", offset, bytes };
}

/** The files of one directory after a power cut, by path. */
export type Remains = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/**
 * What of a directory's files would survive a power cut, by all that was done to them: by SQLite, as
 * a `DiskRecorder` tells, and by the program itself.
 */
export class VolatileFiles {
  #names = new Names<VolatileFile>();
  readonly #handles = new Map<number, VolatileFile>();
  readonly #directory: string;

  /** `remains`: what is there already. */
  constructor(directory: string, remains: Remains = new Map()) {
    this.#directory = directory;
    for (const [path, content] of remains) {
      this.#names.settle(path, new VolatileFile(content));
    }
  }

  /** The file of that name, which is made where there is none. */
  open(path: string): VolatileFile {
    const known = this.#names.get(path);
    if (known !== undefined) return known;
    const made = new VolatileFile();
    this.#names.change(directoryOf(path), [[path, made]]);
    return made;
  }

  rename(from: string, to: string): void {
    this.#names.change(directoryOf(to), [[from, undefined], [to, this.open(from)]]);
  }

  link(from: string, to: string): void {
    this.#names.change(directoryOf(to), [[to, this.open(from)]]);
  }

  remove(path: string): void {
    if (this.#names.get(path) !== undefined) {
      this.#names.change(directoryOf(path), [[path, undefined]]);
    }
  }

  syncDirectory(path: string): void {
    this.#names.syncDirectory(path);
  }

  note(events: Iterable<DiskEvent>, random: Prng): void {
    for (const event of events) this.#note(event, random);
  }

  #note(event: DiskEvent, random: Prng): void {
    switch (event.type) {
      case "opened":
        this.#handles.set(event.handle, this.open(event.path));
        return;
      case "written":
        this.#handles.get(event.handle)?.change(writeOf(event));
        return;
      case "cut_off":
        this.#handles.get(event.handle)?.change({ type: "truncate", size: event.size });
        return;
      case "synced":
        this.#handles.get(event.handle)?.sync();
        return;
      case "sync_failed":
        this.#handles.get(event.handle)?.failSync(random);
        return;
      case "removed":
        return this.remove(event.path);
      case "directory_synced":
        return this.syncDirectory(this.#directory);
      case "closed":
        this.#handles.delete(event.handle);
    }
  }

  /** What a power cut leaves now; names and content that nobody has synced meet their fate. */
  cutPower(random: Prng): Remains {
    this.#names.cutPower(() => random.chance(0.5));
    // A file of several names is one.
    const contents = new Map<VolatileFile, Uint8Array<ArrayBuffer>>();
    const remains = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const path of this.#names.paths) {
      const file = this.open(path);
      const content = contents.get(file) ?? file.afterPowerCut(random);
      contents.set(file, content);
      remains.set(path, content);
    }
    return remains;
  }
}
