import { beginsWith } from "../base/bytes.ts";

const zipMagic = [0x50, 0x4b, 0x03, 0x04];
const gzipMagic = [0x1f, 0x8b];

export type ArchiveKind = "zip" | "tar.gz";

/** What a file is by its content: archives are taken apart, everything else stands for itself. */
export function archiveKind(bytes: Uint8Array): ArchiveKind | undefined {
  if (beginsWith(bytes, zipMagic)) return "zip";
  return beginsWith(bytes, gzipMagic) ? "tar.gz" : undefined;
}
