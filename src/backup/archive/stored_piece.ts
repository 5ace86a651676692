import { joinBytes } from "../../base/bytes.ts";
import { messageOf } from "../../base/message_of.ts";
import { partBytes } from "../../object_store/types.ts";
import { ArchiveError, type ArchivePlace, pieceKey } from "./layout.ts";
import { decodePiece, type Piece, sumOf } from "./piece.ts";

/** A piece as it lies in an archive. */
export interface StoredPiece {
  readonly key: string;
  readonly piece: Piece;
  /** What the next one names. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Reads the piece that begins with an entry. Throws an ArchiveError that names what is damaged. */
export async function readPiece(
  place: ArchivePlace,
  first: number,
  signal?: AbortSignal,
): Promise<StoredPiece> {
  const key = pieceKey(place, first);
  const bytes = await readWhole(place, key, signal);
  try {
    return { key, piece: decodePiece(bytes), sha256: await sumOf(bytes), sizeBytes: bytes.length };
  } catch (error) {
    throw new ArchiveError(`${place.name}: ${key} is damaged: ${messageOf(error)}`);
  }
}

/** All bytes of an object, which memory bears. */
async function readWhole(
  { store }: ArchivePlace,
  key: string,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  for (let at = 0;;) {
    const piece = await store.read(key, at, partBytes, signal);
    pieces.push(piece);
    at += piece.length;
    if (piece.length < partBytes) return joinBytes(pieces);
  }
}
