import { messageOf } from "../base/message_of.ts";
import type { Clock } from "../io/types.ts";
import { failedAs, type ObjectStore } from "../object_store/types.ts";
import { DamagedBackupError, type Store } from "../store/types.ts";
import type { BackupRecord } from "./manifest.ts";
import { checkedSum, piecesOf } from "./stored_bytes.ts";
import type { Verification } from "./types.ts";

export interface VerifyParts {
  readonly objects: ObjectStore;
  readonly store: Pick<Store, "check">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** How a check ended: `damaged` is what must not be taken for a backup any longer. */
export type Verdict = Verification & { readonly damaged: boolean };

/**
 * Restores a backup from its store into a file, as one would in need, with all checks: its checksum,
 * what it unpacks to, SQLite's integrity check, and that it is the database that was saved.
 */
export async function verifyBackup(parts: VerifyParts, record: BackupRecord): Promise<Verdict> {
  const { clock, signal } = parts;
  const startedAt = clock.now();
  let failure: string | undefined;
  let damaged = false;
  try {
    await restore(parts, record);
  } catch (error) {
    signal.throwIfAborted();
    failure = messageOf(error);
    damaged = error instanceof DamagedBackupError || failedAs("missing", error);
  }
  return {
    time: clock.wallTime(),
    id: record.id,
    key: record.key,
    durationMs: clock.now() - startedAt,
    failure,
    damaged,
  };
}

async function restore(parts: VerifyParts, record: BackupRecord): Promise<void> {
  const { objects, store, signal } = parts;
  const { key, sizeBytes, sha256, contentSha256 } = record;
  const body = checkedSum(piecesOf(objects, key, sizeBytes, signal), sha256);
  const checked = await store.check(body, signal);
  await checked.close();
  if (checked.contentSha256 !== contentSha256) {
    throw new DamagedBackupError("what is in it is not the database that was saved");
  }
}
