import { messageOf } from "../../base/message_of.ts";
import { hasZstd } from "../../base/zstd.ts";
import { type Disk, DiskError, type DiskFile } from "../../io/types.ts";
import { Database, type Library } from "../../sqlite/mod.ts";
import { damageOf } from "./file_check.ts";
import { headerBytes, isSqliteFile, readFileHeader, takeOutOfWal } from "./file_header.ts";
import { type Compression, DamagedBackupError } from "../types.ts";
import { compressionOf, ContentHash, unpackFile } from "./packed_file.ts";
import { readFile } from "./snapshot_body.ts";

/** What a backup that was checked holds. */
export interface RestoredFile {
  /** Where it lies, unpacked. */
  readonly path: string;
  readonly sizeBytes: number;
  /** As of a packed file: the same when it is the same database. */
  readonly contentSha256: string;
}

/** Of a database, as far as SQLite can. */
const fileBytesMax = 281_000_000_000_000;

export interface RestoreParts {
  readonly library: Library;
  readonly disk: Disk;
  /** The backup, compressed or not; it is changed where it lies if it is not. */
  readonly path: string;
  /** Where it is unpacked. */
  readonly target: string;
  /** Called now and then; throws to give the work up. */
  readonly check: () => void;
}

/**
 * Unpacks a backup and checks it: that it is a SQLite file, that all its pages are there, and by
 * PRAGMA integrity_check. Throws a DamagedBackupError that says what is wrong with it.
 */
export async function restoreFile(parts: RestoreParts): Promise<RestoredFile> {
  const { library, disk, path, target, check } = parts;
  const source = await disk.open(path, { create: false });
  let plain: DiskFile = source;
  try {
    const head = await source.read(0, headerBytes);
    if (head.length === 0) throw new DamagedBackupError("it is empty");
    const compression = compressionOf(head);
    if (compression === "zstd" && !hasZstd()) {
      throw new Error(`This version of Deno, ${Deno.version.deno}, has no zstd`);
    }
    if (compression !== "none") {
      plain = await disk.open(target, { create: true });
      await unpack({ source, compression, target: plain, check });
    }
    const sizeBytes = await plain.size();
    checkHeader(await plain.read(0, headerBytes), sizeBytes, compression);
    const content = new ContentHash();
    for await (const piece of readFile(plain, sizeBytes)) {
      check();
      content.update(piece);
    }
    await takeOutOfWal(plain);
    checkContent(library, plain.path);
    return { path: plain.path, sizeBytes, contentSha256: content.digest() };
  } finally {
    source.close();
    plain.close();
  }
}

async function unpack(
  parts: {
    readonly source: DiskFile;
    readonly compression: Exclude<Compression, "none">;
    readonly target: DiskFile;
    readonly check: () => void;
  },
): Promise<void> {
  try {
    await unpackFile({ ...parts, bytesMax: fileBytesMax });
  } catch (error) {
    if (error instanceof DiskError) throw error;
    parts.check();
    throw new DamagedBackupError(
      `its ${parts.compression} is damaged or cut short: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function checkHeader(head: Uint8Array, sizeBytes: number, compression: Compression): void {
  if (!isSqliteFile(head)) {
    const inner = compressionOf(head);
    throw new DamagedBackupError(
      compression === "none" || inner === "none"
        ? "it is not a SQLite file"
        : `it is ${inner} within ${compression}, compressed twice: unpack it once`,
    );
  }
  if (head.length < headerBytes) {
    throw new DamagedBackupError(`it is cut short after ${sizeBytes} bytes`);
  }
  const { pageSize, pages = Math.ceil(sizeBytes / pageSize) } = readFileHeader(head);
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) {
    throw new DamagedBackupError(`its header names pages of ${pageSize} bytes`);
  }
  if (sizeBytes === pages * pageSize) return;
  throw new DamagedBackupError(
    `${sizeBytes < pages * pageSize ? "it is cut short" : "its page count is wrong"}: its header ` +
      `says ${pages} pages of ${pageSize} bytes, and it has ${sizeBytes} bytes`,
  );
}

function checkContent(library: Library, path: string): void {
  let damage: string | undefined;
  try {
    using database = new Database(path, { library, create: false });
    damage = damageOf(database, "integrity_check");
  } catch (error) {
    damage = messageOf(error);
  }
  if (damage !== undefined) throw new DamagedBackupError(`it is damaged: ${damage}`);
}
