import { ifThere, type ObjectStore } from "../../object_store/types.ts";

/** A place for one cluster's archive. All keys begin with `prefix`. */
export interface ArchivePlace {
  readonly store: ObjectStore;
  /** "" or ends with a slash. */
  readonly prefix: string;
  /** For people. */
  readonly name: string;
}

/** A copy of the whole database with which a restore begins. */
export interface BaseRecord {
  readonly version: 1;
  readonly cluster: string;
  /** Of the last entry in it. */
  readonly index: number;
  readonly term: number;
  /** When it was made, in ms since 1970 UTC. */
  readonly time: number;
  readonly key: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly contentSha256: string;
  /** What it was made by. */
  readonly sqlite: string;
}

/** Where the log's pieces end, as far as somebody has noted it: the end may be behind. */
export interface HeadRecord {
  readonly version: 1;
  readonly cluster: string;
  /** Of the last piece; "" right behind a base copy. */
  readonly key: string;
  readonly sha256: string;
  /** Of its last entry. */
  readonly index: number;
  readonly term: number;
}

/** Where an archive begins: what lies before the base copy of that index is removed, or will be. */
export interface TrimRecord {
  readonly version: 1;
  readonly cluster: string;
  /** Of the leader that wrote it. */
  readonly term: number;
  readonly index: number;
  /** When it was written, in ms since 1970 UTC. */
  readonly time: number;
}

const recordBytesMax = 64 * 1024;

/** What is wrong with an archive, or with the request for it. */
export class ArchiveError extends Error {
  override name = "ArchiveError";
}

/** There is no archive. */
export class NoArchiveError extends ArchiveError {
  override name = "NoArchiveError";
}

const digits = (index: number) => String(index).padStart(20, "0");

export function ownerKey({ prefix }: ArchivePlace): string {
  return `${prefix}archive.json`;
}

export function headKey({ prefix }: ArchivePlace): string {
  return `${prefix}head.json`;
}

function logPrefix({ prefix }: ArchivePlace): string {
  return `${prefix}log/`;
}

export function basePrefix({ prefix }: ArchivePlace): string {
  return `${prefix}base/`;
}

export function trimPrefix({ prefix }: ArchivePlace): string {
  return `${prefix}trim/`;
}

export function trimKey(place: ArchivePlace, index: number): string {
  return `${trimPrefix(place)}${digits(index)}.json`;
}

/** The index with which the name of an object below `prefix` begins; undefined for another's. */
export function indexIn(prefix: string, key: string): number | undefined {
  const found = /^(\d{20})(?:-[0-9a-f]+\.sqlite3\.gz|\.json)$/.exec(key.slice(prefix.length))?.[1];
  return found === undefined ? undefined : Number(found);
}

/** There is one key for the piece that begins with an entry: of two who ship it, one succeeds. */
export function pieceKey(place: ArchivePlace, first: number): string {
  return `${logPrefix(place)}${digits(first)}.gz`;
}

/** The index of the first entry of the piece under a key; undefined for another's. */
function firstIndexIn(place: ArchivePlace, key: string): number | undefined {
  const name = key.slice(logPrefix(place).length);
  const found = /^(\d{20})\.gz$/.exec(name)?.[1];
  return found === undefined ? undefined : Number(found);
}

export function baseKeys(
  place: ArchivePlace,
  index: number,
): { readonly record: string; file(name: string): string } {
  const stem = `${basePrefix(place)}${digits(index)}`;
  return { record: `${stem}.json`, file: (name) => `${stem}-${name}.sqlite3.gz` };
}

/** A small JSON object; undefined where there is none. Throws an ArchiveError for what is not of this version. */
export async function readRecord<T extends { readonly version: 1; readonly cluster: string }>(
  place: ArchivePlace,
  key: string,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const bytes = await ifThere(place.store.read(key, 0, recordBytesMax, signal));
  if (bytes === undefined) return undefined;
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes));
    if (value?.version === 1 && typeof value.cluster === "string") return value;
  } catch {
    // Said below.
  }
  throw new ArchiveError(`${place.name}: ${key} is damaged, or of another version of raftlite`);
}

export function recordBytes(record: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(record, undefined, 1));
}

/** The base copies, by their index. */
export async function listBases(place: ArchivePlace, signal?: AbortSignal): Promise<BaseRecord[]> {
  const bases: BaseRecord[] = [];
  for await (const { key } of place.store.list(basePrefix(place), signal)) {
    if (!key.endsWith(".json")) continue;
    const record = await readRecord<BaseRecord>(place, key, signal);
    if (record === undefined) continue;
    // An archive may have been moved since, or be looked at by another way.
    const name = record.key.slice(record.key.lastIndexOf("/") + 1);
    bases.push({ ...record, key: `${basePrefix(place)}${name}` });
  }
  return bases.sort((a, b) => a.index - b.index);
}

/** The first indexes of all pieces, in order. */
export async function listPieces(place: ArchivePlace, signal?: AbortSignal): Promise<number[]> {
  const firsts: number[] = [];
  for await (const { key } of place.store.list(logPrefix(place), signal)) {
    const first = firstIndexIn(place, key);
    if (first !== undefined) firsts.push(first);
  }
  return firsts.sort((a, b) => a - b);
}

/** The index of the base copy with which an archive begins; 0 where nothing was removed. */
export async function readBeginning(
  place: ArchivePlace,
  cluster: string,
  signal?: AbortSignal,
): Promise<number> {
  let begins = 0;
  for await (const { key } of place.store.list(trimPrefix(place), signal)) {
    if (indexIn(trimPrefix(place), key) === undefined) continue;
    const record = await readRecord<TrimRecord>(place, key, signal);
    if (record?.cluster === cluster) begins = Math.max(begins, record.index);
  }
  return begins;
}
