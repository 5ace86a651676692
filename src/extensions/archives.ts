import { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { Parser, type ReadEntry } from "tar";
// @ts-types="@types/yauzl"
import yauzl from "yauzl";
import { joinBytes } from "../base/bytes.ts";
import type { ArchiveKind } from "./archive_kind.ts";
import { checksum } from "../base/checksum.ts";

/** A file in an archive. */
export interface ArchivedFile {
  readonly name: string;
  /** Its content; undefined for what is no plain file: a link, a device. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

/** Entries that an archive may have. */
const entriesMax = 1_000;

/**
 * The plain files of an archive, whose names have no directories. Throws an Error that says what is
 * wrong with it: damaged, with directories, or with more than `bytesMax` bytes when unpacked,
 * however few it has now.
 */
export async function unpackArchive(
  kind: ArchiveKind,
  bytes: Uint8Array<ArrayBuffer>,
  bytesMax: number,
): Promise<ArchivedFile[]> {
  const files: ArchivedFile[] = [];
  let left = bytesMax;
  const entries = kind === "zip" ? zipFiles(bytes, () => left) : tarFiles(bytes, () => left);
  for await (const file of entries) {
    left -= file.bytes?.length ?? 0;
    if (left < 0) throw tooLarge(file.name, bytesMax);
    if (files.length === entriesMax) throw new Error(`it has more than ${entriesMax} entries`);
    files.push(file);
  }
  return files;
}

/** The name of an entry; throws where it is one of another directory. */
function plainName(name: string, kind: string): string {
  const plain = name.replace(/^(?:\.\/)+/, "");
  if (/[/\\]/.test(plain)) {
    throw new Error(`${kind} file contains subdirectories: ${JSON.stringify(name)}`);
  }
  return plain;
}

function tooLarge(name: string, bytesMax: number): Error {
  return new Error(`${JSON.stringify(name)} in it has more than ${bytesMax} bytes unpacked`);
}

async function* zipFiles(
  bytes: Uint8Array<ArrayBuffer>,
  bytesLeft: () => number,
): AsyncGenerator<ArchivedFile> {
  const open = promisify(yauzl.fromBuffer) as (
    buffer: Buffer,
    options: yauzl.Options,
  ) => Promise<yauzl.ZipFile>;
  // It refuses names that lead out of a directory, and entries longer than they say.
  const archive = await open(Buffer.from(bytes.buffer), {
    lazyEntries: true,
    strictFileNames: true,
    validateEntrySizes: true,
  });
  const openEntry = promisify(archive.openReadStream.bind(archive)) as (
    entry: yauzl.Entry,
  ) => Promise<AsyncIterable<Uint8Array>>;
  for (let entry; (entry = await nextEntry(archive)) !== undefined;) {
    const name = plainName(entry.fileName, "zip");
    if (entry.uncompressedSize > bytesLeft()) throw tooLarge(name, bytesLeft());
    const content = await collect(await openEntry(entry), name, bytesLeft());
    if (checksum(content) !== entry.crc32) throw new Error(`${JSON.stringify(name)} is damaged`);
    yield { name, bytes: isLink(entry) ? undefined : content };
  }
}

/** By the mode that Unix programs put into the upper half. */
function isLink({ externalFileAttributes }: yauzl.Entry): boolean {
  const [typeMask, plainFile] = [0xf000, 0x8000];
  const type = (externalFileAttributes >>> 16) & typeMask;
  return type !== 0 && type !== plainFile;
}

function nextEntry(archive: yauzl.ZipFile): Promise<yauzl.Entry | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<yauzl.Entry | undefined>();
  archive.removeAllListeners();
  archive.once("entry", resolve);
  archive.once("end", () => resolve(undefined));
  archive.once("error", reject);
  archive.readEntry();
  return promise;
}

/** Of a tar file beside its files: heads, padding. */
const tarHeadBytesMax = entriesMax * 1024;

async function* tarFiles(
  bytes: Uint8Array<ArrayBuffer>,
  bytesLeft: () => number,
): AsyncGenerator<ArchivedFile> {
  const unpacked = await gunzipped(bytes, bytesLeft() + tarHeadBytesMax);
  for (const { path, type, content } of await tarEntries(unpacked)) {
    if (type === "Directory" && /^(?:\.\/)*\.?$/.test(path)) continue;
    const name = plainName(path, "tar.gz");
    yield { name, bytes: type === "File" || type === "OldFile" ? content() : undefined };
  }
}

/** In pieces: not every Deno holds to a bound that zlib itself is given. */
async function gunzipped(
  bytes: Uint8Array<ArrayBuffer>,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return await collect(stream, "tar", bytesMax);
}

interface TarEntry {
  readonly path: string;
  readonly type: string;
  readonly content: () => Uint8Array<ArrayBuffer>;
}

function tarEntries(bytes: Uint8Array): Promise<TarEntry[]> {
  const { promise, resolve, reject } = Promise.withResolvers<TarEntry[]>();
  const entries: TarEntry[] = [];
  const onReadEntry = (entry: ReadEntry) => {
    const parts: Uint8Array[] = [];
    entry.on("data", (part: Uint8Array) => parts.push(part));
    entries.push({ path: entry.path, type: entry.type, content: () => joinBytes(parts) });
  };
  // Strict: what other programs warn of, a damaged head above all, is an error.
  const parser = new Parser({ strict: true, onReadEntry });
  parser.on("error", reject);
  parser.on("end", () => resolve(entries));
  parser.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return promise;
}

async function collect(
  stream: AsyncIterable<Uint8Array>,
  name: string,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of stream) {
    size += part.length;
    if (size > bytesMax) throw tooLarge(name, bytesMax);
    parts.push(part);
  }
  return joinBytes(parts);
}
