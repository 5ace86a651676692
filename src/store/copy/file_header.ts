import type { DiskFile } from "../../io/types.ts";

/** https://www.sqlite.org/fileformat.html#the_database_header */
const magic = new TextEncoder().encode("SQLite format 3\0");
const offsets = { pageSize: 16, changeCounter: 24, pageCount: 28, validFor: 92 };

export const headerBytes = 100;
/** Offset of the two bytes that say whether the file is in WAL mode (2) or not (1). */
export const versionsOffset = 18;

/** What the first bytes of a SQLite file say of it. */
export interface FileHeader {
  /** As it stands there: it need not be one that SQLite has. */
  readonly pageSize: number;
  /** Undefined where it is not kept, as by very old versions of SQLite: then the counters differ. */
  readonly pages: number | undefined;
}

export function isSqliteFile(head: Uint8Array): boolean {
  return magic.every((byte, at) => head[at] === byte);
}

/** @param head At least `headerBytes` of a SQLite file. */
export function readFileHeader(head: Uint8Array): FileHeader {
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const size = view.getUint16(offsets.pageSize);
  const isCounted = view.getUint32(offsets.changeCounter) === view.getUint32(offsets.validFor);
  return {
    pageSize: size === 1 ? 65_536 : size,
    pages: isCounted ? view.getUint32(offsets.pageCount) : undefined,
  };
}

/** Has the header say that the file is not in WAL mode, in which it would be three. */
export async function takeOutOfWal(file: DiskFile): Promise<void> {
  await file.write(versionsOffset, new Uint8Array([1, 1]));
}
