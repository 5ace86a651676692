import type { Prng } from "../../src/base/prng.ts";

/** Part of a file that a disk writes whole or not at all, in bytes. */
const sectorBytes = 512;

/** A change of a file's content that no sync has covered. */
export type Change =
  | { readonly type: "write"; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly type: "truncate"; readonly size: number };

/** A file's bytes, of which more room is held than is filled: what grows is not copied each time. */
export class Content {
  #room: Uint8Array<ArrayBuffer>;
  #length: number;

  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.#room = new Uint8Array(bytes);
    this.#length = bytes.length;
  }

  apply(change: Change): void {
    if (change.type === "write") this.#write(change.offset, change.bytes);
    else this.#resize(change.size);
  }

  #write(offset: number, bytes: Uint8Array): void {
    this.#resize(Math.max(this.#length, offset + bytes.length));
    this.#room.set(bytes, offset);
  }

  #resize(length: number): void {
    if (length < this.#length) this.#room.fill(0, length, this.#length);
    if (length > this.#room.length) {
      const room = new Uint8Array(2 * length);
      room.set(this.#room.subarray(0, this.#length));
      this.#room = room;
    }
    this.#length = length;
  }

  get length(): number {
    return this.#length;
  }

  /** A copy of all of it, or of that part as far as it is there. */
  slice(from = 0, until = this.#length): Uint8Array<ArrayBuffer> {
    return this.#room.slice(Math.min(from, this.#length), Math.min(until, this.#length));
  }
}

/**
 * What a power cut leaves of a file of which `durable` was synced, after SQLite's test6.c: each
 * change since is applied, dropped, applied in some of its sectors, or garbage in some of them.
 * Bytes outside a write are never harmed by it (SQLite's "powersafe overwrite").
 */
export function afterPowerCut(
  durable: Content,
  changes: readonly Change[],
  random: Prng,
): Uint8Array<ArrayBuffer> {
  const content = new Content(durable.slice());
  for (const change of changes) {
    const fate = random.below(4);
    if (fate === 0) continue;
    if (change.type === "truncate" || fate === 1) content.apply(change);
    else applyInSectors(content, change, fate === 2, random);
  }
  return content.slice();
}

/** A write of which some sectors arrived; the others are as before, or garbage. */
function applyInSectors(
  content: Content,
  change: Change & { type: "write" },
  clean: boolean,
  random: Prng,
): void {
  const end = change.offset + change.bytes.length;
  for (let start = change.offset; start < end;) {
    const next = Math.min(end, (Math.floor(start / sectorBytes) + 1) * sectorBytes);
    const bytes = change.bytes.slice(start - change.offset, next - change.offset);
    const arrived = random.chance(0.5);
    if (!arrived && !clean) random.fill(bytes);
    if (arrived || !clean) content.apply({ type: "write", offset: start, bytes });
    start = next;
  }
}

/** A change of a directory that no sync has covered: names set to files, or to nothing. */
interface NameChange<Inode> {
  readonly directory: string;
  readonly names: readonly (readonly [path: string, inode: Inode | undefined])[];
}

export function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** Names of files, as the running machine sees them, and as they would survive a power cut. */
export class Names<Inode> {
  #now = new Map<string, Inode>();
  #durable = new Map<string, Inode>();
  #changes: NameChange<Inode>[] = [];

  get paths(): string[] {
    return [...this.#now.keys()];
  }

  get inodes(): Set<Inode> {
    return new Set(this.#now.values());
  }

  get(path: string): Inode | undefined {
    return this.#now.get(path);
  }

  change(directory: string, names: NameChange<Inode>["names"]): void {
    this.#changes.push({ directory, names });
    set(this.#now, names);
  }

  /** There, or not there, as if it had always been so. */
  settle(path: string, inode: Inode | undefined): void {
    set(this.#now, [[path, inode]]);
    set(this.#durable, [[path, inode]]);
  }

  syncDirectory(path: string): void {
    for (const { directory, names } of this.#changes) {
      if (directory === path) set(this.#durable, names);
    }
    this.#changes = this.#changes.filter(({ directory }) => directory !== path);
  }

  /** Whether a change of names that no sync has covered is spared, `keep` says. */
  cutPower(keep: () => boolean): void {
    for (const { names } of this.#changes) if (keep()) set(this.#durable, names);
    this.#changes = [];
    this.#now = new Map(this.#durable);
  }
}

function set<Inode>(
  map: Map<string, Inode>,
  names: readonly (readonly [path: string, inode: Inode | undefined])[],
): void {
  for (const [path, inode] of names) {
    if (inode === undefined) map.delete(path);
    else map.set(path, inode);
  }
}
