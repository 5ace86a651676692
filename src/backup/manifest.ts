import { ifThere, type ObjectStore } from "../object_store/types.ts";

/** One backup, as it is remembered beside it. */
export interface BackupRecord {
  /** The index of the log up to which it goes. */
  readonly id: number;
  readonly key: string;
  /** ms since 1970 UTC. */
  readonly time: number;
  readonly sizeBytes: number;
  /** Of the object. */
  readonly sha256: string;
  /** Of the database in it. */
  readonly contentSha256: string;
}

/** What is remembered of the backups under one name: oldest first. */
export interface Manifest {
  readonly version: 1;
  /** The cluster whose backups they are. */
  readonly cluster: string;
  readonly backups: readonly BackupRecord[];
  /** Keys of uploads that were begun: what is there and no backup is left of one that was cut short. */
  readonly begun?: readonly string[];
  /** When a backup was last restored and found sound, in ms since 1970 UTC. */
  readonly verifiedAt?: number;
}

export type Remembered = Pick<Manifest, "backups" | "begun" | "verifiedAt">;

/** Beyond it the oldest are forgotten, and stay where they are. */
const recordsMax = 10_000;
const manifestBytesMax = 8 * 1024 * 1024;

function manifestKey(key: string): string {
  return `${key}.raftlite.json`;
}

/**
 * What is remembered under a name: nothing before the first backup, and nothing when what is there
 * is unreadable or another cluster's, which `stranger` then says.
 */
export async function readManifest(
  store: ObjectStore,
  key: string,
  cluster: string,
  signal?: AbortSignal,
): Promise<Remembered & { readonly stranger?: string }> {
  const text = await readText(store, key, signal);
  if (text === undefined) return { backups: [] };
  const manifest = parse(text);
  if (manifest === undefined) {
    return { backups: [], stranger: `${manifestKey(key)} there cannot be read` };
  }
  if (manifest.cluster !== cluster) {
    return { backups: [], stranger: `the backups there are cluster ${manifest.cluster}'s` };
  }
  return manifest;
}

/** The newest backup that is remembered under a name, whichever cluster's; undefined for none. */
export async function newestRecord(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<BackupRecord | undefined> {
  const text = await readText(store, key, signal);
  return text === undefined ? undefined : parse(text)?.backups.at(-1);
}

/** Undefined where there is none. */
async function readText(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const bytes = await ifThere(store.read(manifestKey(key), 0, manifestBytesMax, signal));
  return bytes && new TextDecoder().decode(bytes);
}

/** Has what is remembered there, which another cluster did, under another name, too. */
export async function keepManifest(
  store: ObjectStore,
  key: string,
  cluster: string,
  signal?: AbortSignal,
): Promise<void> {
  const aside = `${manifestKey(key)}.not-of-${cluster}`;
  const text = await readText(store, key, signal);
  if (text === undefined || await store.info(aside, signal) !== undefined) return;
  await store.put(aside, new TextEncoder().encode(text), { signal });
}

export async function writeManifest(
  store: ObjectStore,
  key: string,
  { cluster, backups, begun = [], verifiedAt = 0 }: Omit<Manifest, "version">,
  signal?: AbortSignal,
): Promise<void> {
  const whole: Manifest = {
    version: 1,
    cluster,
    backups: backups.slice(-recordsMax),
    begun,
    verifiedAt,
  };
  const bytes = new TextEncoder().encode(JSON.stringify(whole, undefined, 1));
  await store.put(manifestKey(key), bytes, { signal });
}

function parse(text: string): Manifest | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isManifest(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== "object" || value === null) return false;
  const { version, cluster, backups, begun = [], verifiedAt = 0 } = value as Partial<Manifest>;
  return version === 1 && typeof cluster === "string" && typeof verifiedAt === "number" &&
    Array.isArray(backups) && backups.every(isRecord) &&
    Array.isArray(begun) && begun.every((key) => typeof key === "string");
}

function isRecord(value: unknown): value is BackupRecord {
  if (typeof value !== "object" || value === null) return false;
  const { id, key, time, sizeBytes, sha256, contentSha256 } = value as Partial<BackupRecord>;
  const numbers = [id, time, sizeBytes].every((number) => Number.isSafeInteger(number));
  return numbers && [key, sha256, contentSha256].every((text) => typeof text === "string");
}
