import { createHash } from "node:crypto";
import { Readable, type Transform } from "node:stream";
import zlib from "node:zlib";
import { beginsWith } from "../../base/bytes.ts";
import type { Disk, DiskFile } from "../../io/types.ts";
import type { Compression, PackedSums } from "../types.ts";
import { readFile } from "./snapshot_body.ts";

const magics: Readonly<Record<Exclude<Compression, "none">, readonly number[]>> = {
  gzip: [0x1f, 0x8b, 0x08],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
};

/** Where rqlite's gzip has its level (fastest) and its system (unknown), and zlib another. */
const gzipHeaderEnd = { offset: 8, bytes: [4, 0xff] } as const;

/** Fields of the header that count writes, whatever these changed: the two change counters. */
const changeCounters = [[24, 28], [92, 96]] as const;

/** Of which compression a file is, by its first bytes. */
export function compressionOf(head: Uint8Array): Compression {
  for (const kind of ["gzip", "zstd"] as const) {
    if (beginsWith(head, magics[kind])) return kind;
  }
  return "none";
}

/** Compresses a database file, and sums it and the result up; bytes pass through, they do not gather. */
export async function packFile(
  { disk, from, target, compression, check }: {
    readonly disk: Disk;
    readonly from: AsyncIterable<Uint8Array>;
    readonly target: string;
    readonly compression: Compression;
    /** Called now and then; throws to give the work up. */
    readonly check: () => void;
  },
): Promise<PackedSums> {
  const file = await disk.open(target, { create: true });
  try {
    const content = new ContentHash();
    const plain = async function* () {
      for await (const piece of from) {
        check();
        content.update(piece);
        yield piece;
      }
    };
    const sha256 = createHash("sha256");
    const md5 = createHash("md5");
    let sizeBytes = 0;
    for await (const piece of compressed(plain(), compression)) {
      if (sizeBytes === 0 && compression === "gzip") {
        piece.set(gzipHeaderEnd.bytes, gzipHeaderEnd.offset);
      }
      sha256.update(piece);
      md5.update(piece);
      await file.write(sizeBytes, piece);
      sizeBytes += piece.length;
    }
    return {
      sizeBytes,
      sha256: sha256.digest("hex"),
      md5: md5.digest("base64"),
      contentSha256: content.digest(),
    };
  } finally {
    file.close();
  }
}

/** Writes what is in a compressed file to another. Throws an Error that names the damage. */
export async function unpackFile(
  { source, compression, target, bytesMax, check }: {
    readonly source: DiskFile;
    readonly compression: Exclude<Compression, "none">;
    readonly target: DiskFile;
    readonly bytesMax: number;
    readonly check: () => void;
  },
): Promise<void> {
  const packed = readFile(source, await source.size());
  const unpacking = compression === "gzip" ? zlib.createGunzip() : zlib.createZstdDecompress();
  let at = 0;
  for await (const piece of through(unpacking, packed)) {
    check();
    if (at + piece.length > bytesMax) {
      throw new Error(`it unpacks to more than ${bytesMax} bytes`);
    }
    await target.write(at, piece);
    at += piece.length;
  }
}

/** The hash of a database file that is the same when only the count of its writes has changed. */
export class ContentHash {
  readonly #hash = createHash("sha256");
  #at = 0;

  update(piece: Uint8Array): void {
    const isHead = this.#at < changeCounters[1][1];
    const bytes = isHead ? piece.slice() : piece;
    for (const [from, to] of isHead ? changeCounters : []) {
      bytes.fill(0, Math.max(0, from - this.#at), Math.max(0, to - this.#at));
    }
    this.#hash.update(bytes);
    this.#at += piece.length;
  }

  digest(): string {
    return this.#hash.digest("hex");
  }
}

function compressed(
  plain: AsyncGenerator<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array> {
  if (compression === "none") return plain;
  return through(
    compression === "gzip"
      ? zlib.createGzip({ level: zlib.constants.Z_BEST_SPEED })
      : zlib.createZstdCompress(),
    plain,
  );
}

/** What a stream makes of the bytes; both are let go of when somebody has enough, or one fails. */
async function* through(
  stream: Transform,
  bytes: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const input = Readable.from(bytes);
  input.on("error", (error) => stream.destroy(error));
  try {
    for await (const piece of input.pipe(stream)) yield piece;
  } finally {
    input.destroy();
    stream.destroy();
  }
}
