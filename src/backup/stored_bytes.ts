import { createHash } from "node:crypto";
import { type ObjectStore, partBytes } from "../object_store/types.ts";
import { DamagedBackupError } from "../store/types.ts";

/** The bytes of an object of that size; throws a DamagedBackupError where it ends early. */
export async function* piecesOf(
  objects: ObjectStore,
  key: string,
  sizeBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < sizeBytes;) {
    const piece = await objects.read(key, at, Math.min(partBytes, sizeBytes - at), signal);
    if (piece.length === 0) throw new DamagedBackupError(`it ends after ${at} bytes`);
    yield piece;
    at += piece.length;
  }
}

/** The same bytes; throws at their end when their SHA-256 is another. */
export async function* checkedSum(
  body: AsyncIterable<Uint8Array>,
  sha256: string,
  error: () => Error = () =>
    new DamagedBackupError("its checksum is not the one that it was stored with"),
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  for await (const piece of body) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest("hex") !== sha256) throw error();
}
