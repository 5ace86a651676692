import type { Transfers } from "../io/transfers.ts";
import type { Logger } from "../io/types.ts";
import type { CheckedBackup, Store } from "../store/types.ts";
import type { OpenDestination } from "./destination.ts";
import { newestRecord } from "./manifest.ts";
import { checkedSum, piecesOf } from "./stored_bytes.ts";

/** What a source gave. */
export interface Fetched {
  readonly backup: CheckedBackup;
  /** What was fetched for it. */
  readonly sizeBytes: number;
}

/** From where a cluster's first data come. */
export interface RestoreSource {
  /** For people. */
  readonly name: string;
  /**
   * Fetches and checks them. Rejects with a DamagedBackupError, or an ArchiveError, for what is there
   * and must not be loaded, with something else where nothing can be had.
   */
  fetch(store: Pick<Store, "check">, signal: AbortSignal): Promise<Fetched>;
  close(): void;
}

/** The backup under a name or, where that has times in its names, the newest beside it. */
export function backupSource(
  { store: objects, key, name }: OpenDestination,
  { logger, transfers }: { readonly logger: Logger; readonly transfers: Transfers },
): RestoreSource {
  return {
    name,
    async fetch(store, signal) {
      const info = await objects.info(key, signal);
      const record = info === undefined ? await newestRecord(objects, key, signal) : undefined;
      if (record !== undefined) {
        logger.log("INFO", "backup", `${name} is not there, the newest beside it is ${record.key}`);
      }
      const from = record ?? (info && { key, sizeBytes: info.sizeBytes });
      if (from === undefined) throw new Error("it is not there");
      const { sizeBytes } = from;
      const pieces = piecesOf(objects, from.key, sizeBytes, signal);
      const expected = { what: `from ${name}`, totalBytes: sizeBytes };
      const body = transfers.counted("auto-restore", expected, pieces);
      const checked = record === undefined ? body : checkedSum(body, record.sha256);
      return { backup: await store.check(checked, signal), sizeBytes };
    },
    close: () => objects.close(),
  };
}
