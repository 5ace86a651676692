import { dirname, relative } from "node:path";
import { messageOf } from "../base/message_of.ts";
import {
  type ListedObject,
  type ObjectInfo,
  type ObjectSource,
  type ObjectStore,
  ObjectStoreError,
  partBytes,
  type PutOptions,
} from "./types.ts";

/** What an object is called while it is being written: whoever is killed leaves such a file. */
const unfinishedPrefix = ".upload-";
/** Older ones than this are nobody's any more, in ms. */
const unfinishedMsMax = 24 * 3_600_000;

/**
 * A directory, be it of another machine's disk: each object is a file, its key the path below. An
 * object is written beside its place, synced and renamed, so that it is there whole or not at all.
 */
export class DirectoryStore implements ObjectStore {
  readonly #directory: string;

  /** @param directory Absolute; made with the first object. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  async info(key: string): Promise<ObjectInfo | undefined> {
    const path = this.#path(key);
    try {
      const { size, isFile } = await Deno.stat(path);
      return isFile ? { sizeBytes: size, metadata: {} } : undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw failure("look for", path, error);
    }
  }

  async read(key: string, offset: number, length: number): Promise<Uint8Array> {
    const path = this.#path(key);
    try {
      using file = await Deno.open(path);
      await file.seek(offset, Deno.SeekMode.Start);
      const bytes = new Uint8Array(
        Math.max(0, Math.min(length, (await file.stat()).size - offset)),
      );
      let filled = 0;
      while (filled < bytes.length) {
        const count = await file.read(bytes.subarray(filled));
        if (count === null) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    } catch (error) {
      throw failure("read", path, error);
    }
  }

  put(key: string, bytes: Uint8Array<ArrayBuffer>, options: PutOptions = {}): Promise<void> {
    const read = (offset: number, length: number) =>
      Promise.resolve(bytes.subarray(offset, offset + length));
    return this.upload(key, { sizeBytes: bytes.length, read }, options);
  }

  async upload(key: string, source: ObjectSource, options: PutOptions = {}): Promise<void> {
    const { ifAbsent = false, signal } = options;
    const path = this.#path(key);
    const directory = dirname(path);
    const unfinished = `${directory}/${unfinishedPrefix}${crypto.randomUUID().slice(0, 8)}`;
    try {
      await Deno.mkdir(directory, { recursive: true, mode: 0o755 });
      await removeUnfinished(directory);
      await write(unfinished, source, signal);
      // A link, unlike a rename, is refused where something is.
      if (ifAbsent) await Deno.link(unfinished, path);
      else await Deno.rename(unfinished, path);
      await syncDirectory(directory);
    } catch (error) {
      signal?.throwIfAborted();
      throw failure("write", path, error);
    } finally {
      await Deno.remove(unfinished).catch(() => {});
    }
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    const top = this.#path(prefix.slice(0, prefix.lastIndexOf("/") + 1));
    for (const path of await filesBelow(top)) {
      const key = relative(this.#directory, path).replaceAll("\\", "/");
      if (!key.startsWith(prefix)) continue;
      const info = await this.info(key);
      if (info !== undefined) yield { key, sizeBytes: info.sizeBytes };
    }
  }

  close(): void {}

  async remove(key: string): Promise<void> {
    const path = this.#path(key);
    try {
      await Deno.remove(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw failure("remove", path, error);
    }
  }

  #path(key: string): string {
    if (key.split("/").includes("..")) {
      throw new ObjectStoreError("failed", `Key ${key} leads out of ${this.#directory}`);
    }
    return `${this.#directory}/${key}`;
  }
}

async function write(path: string, source: ObjectSource, signal?: AbortSignal): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  for (let at = 0; at < source.sizeBytes;) {
    signal?.throwIfAborted();
    const piece = await source.read(at, Math.min(partBytes, source.sizeBytes - at));
    if (piece.length === 0) throw new Error(`its source ends early, at ${at}`);
    for (let rest = piece; rest.length > 0;) rest = rest.subarray(await file.write(rest));
    at += piece.length;
  }
  await file.sync();
}

/** Nothing on Windows, which cannot open a directory. */
async function syncDirectory(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using directory = await Deno.open(path, { read: true });
  await directory.sync();
}

async function removeUnfinished(directory: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(directory)) {
    if (!isFile || !name.startsWith(unfinishedPrefix)) continue;
    const path = `${directory}/${name}`;
    const modified = (await Deno.stat(path).catch(() => undefined))?.mtime?.getTime();
    const isOld = modified !== undefined && Date.now() - modified > unfinishedMsMax;
    if (isOld) await Deno.remove(path).catch(() => {});
  }
}

/** Sorted. */
async function filesBelow(directory: string): Promise<string[]> {
  const files: string[] = [];
  const top = directory.replace(/\/$/, "");
  try {
    for await (const { name, isFile, isDirectory } of Deno.readDir(top)) {
      const path = `${top}/${name}`;
      if (isDirectory) files.push(...await filesBelow(path));
      else if (isFile && !name.startsWith(unfinishedPrefix)) files.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw failure("list", top, error);
  }
  return files.sort();
}

function failure(action: string, path: string, error: unknown): ObjectStoreError {
  if (error instanceof ObjectStoreError) return error;
  const kind = error instanceof Deno.errors.NotFound
    ? "missing"
    : error instanceof Deno.errors.AlreadyExists
    ? "exists"
    : error instanceof Deno.errors.PermissionDenied
    ? "denied"
    : "failed";
  return new ObjectStoreError(kind, `Cannot ${action} ${path}: ${messageOf(error)}`, {
    cause: error,
  });
}
