import type { Disk } from "../../io/types.ts";
import type { Transfers } from "../../io/transfers.ts";
import { partBytes } from "../../object_store/types.ts";
import type { PackedBackup, Store } from "../../store/types.ts";
import type { RestoreSource } from "../restore_source.ts";
import type { CountBytes } from "./base_copy.ts";
import type { ArchivePlace } from "./layout.ts";
import type { Point } from "./moment.ts";
import { ArchiveReader } from "./reader.ts";
import { restoreStore } from "./restore.ts";

export interface ArchiveSourceParts {
  readonly place: ArchivePlace;
  readonly point: Point;
  readonly disk: Disk;
  readonly transfers: Transfers;
  /** Gives an empty directory, and removes it with all that is in it. */
  withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T>;
  openStore(directory: string): Promise<Store>;
}

/** The database of a moment, made from an archive. */
export function archiveSource(
  { place, point, disk, transfers, withDirectory, openStore }: ArchiveSourceParts,
): RestoreSource {
  return {
    name: place.name,
    async fetch(own, signal) {
      const reader = await ArchiveReader.open(place);
      const counted: CountBytes = (body, { sizeBytes: totalBytes }) =>
        transfers.counted("auto-restore", { what: `from ${place.name}`, totalBytes }, body);
      return await withDirectory((directory) =>
        restoreStore(
          { reader, point, disk, directory, openStore, signal, counted },
          async (store, { base: { sizeBytes } }) => {
            const packed = await store.pack({ vacuum: false, compression: "none" }, signal);
            try {
              return { backup: await own.check(bytesOf(packed), signal), sizeBytes };
            } finally {
              await packed.close();
            }
          },
        )
      );
    },
    close: () => place.store.close(),
  };
}

async function* bytesOf(packed: PackedBackup): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < packed.sizeBytes; at += partBytes) yield await packed.read(at, partBytes);
}
