import type { Prng } from "../../src/base/prng.ts";

/** Part of a file that a disk writes whole or not at all, in bytes. */
const sectorBytes = 512;

/** A change of a file's content that no sync has covered. */
export type Change =
  | { readonly type: "write"; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly type: "truncate"; readonly size: number };

/** The content after the change: the same array where it has room. */
export function applied(
  content: Uint8Array<ArrayBuffer>,
  change: Change,
): Uint8Array<ArrayBuffer> {
  if (change.type === "truncate") {
    const result = new Uint8Array(change.size);
    result.set(content.subarray(0, change.size));
    return result;
  }
  const end = change.offset + change.bytes.length;
  const result = end > content.length ? new Uint8Array(end) : content;
  if (result !== content) result.set(content);
  result.set(change.bytes, change.offset);
  return result;
}

/**
 * What a power cut leaves of a file of which `durable` was synced, after SQLite's test6.c: each
 * change since is applied, dropped, applied in some of its sectors, or garbage in some of them.
 * Bytes outside a write are never harmed by it (SQLite's "powersafe overwrite").
 */
export function afterPowerCut(
  durable: Uint8Array<ArrayBuffer>,
  changes: readonly Change[],
  random: Prng,
): Uint8Array<ArrayBuffer> {
  let content = durable.slice();
  for (const change of changes) {
    const fate = random.below(4);
    if (fate === 0) continue;
    if (change.type === "truncate" || fate === 1) {
      content = applied(content, change);
      continue;
    }
    content = inSectors(content, change, fate === 2, random);
  }
  return content;
}

/** A write of which some sectors arrived; the others are as before, or garbage. */
function inSectors(
  content: Uint8Array<ArrayBuffer>,
  change: Change & { type: "write" },
  clean: boolean,
  random: Prng,
): Uint8Array<ArrayBuffer> {
  const end = change.offset + change.bytes.length;
  for (let start = change.offset; start < end;) {
    const next = Math.min(end, (Math.floor(start / sectorBytes) + 1) * sectorBytes);
    const bytes = change.bytes.slice(start - change.offset, next - change.offset);
    const arrived = random.chance(0.5);
    if (!arrived && !clean) random.fill(bytes);
    if (arrived || !clean) content = applied(content, { type: "write", offset: start, bytes });
    start = next;
  }
  return content;
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
