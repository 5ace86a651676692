import { formatDuration } from "../base/duration.ts";
import { formatGoBytes } from "../base/go_bytes.ts";
import { messageOf } from "../base/message_of.ts";
import type { Transfers } from "../io/transfers.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import { type Store, StoreBusyError } from "../store/types.ts";
import { BackupSeries } from "./backup_series.ts";
import type { AutoBackupConfig } from "./config.ts";
import type { OpenDestination } from "./destination.ts";
import { type BackupRecord, readManifest } from "./manifest.ts";
import type {
  AskedBackup,
  AutoBackupFigures,
  LeadingNode,
  SavedBackup,
  SavedBackups,
  Verification,
} from "./types.ts";
import { type Verdict, verifyBackup } from "./verify.ts";

export interface AutoBackupParts {
  readonly config: AutoBackupConfig;
  readonly destination: OpenDestination;
  readonly node: LeadingNode;
  readonly store: Pick<Store, "pack" | "check">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Shows long transfers; undefined: nobody looks. */
  readonly transfers?: Transfers | undefined;
}

/** Who lists backups sees so many. */
const backupsShown = 200;

/** Before the first try after a failure, in ms; doubled with each, up to the interval. */
const firstRetryMs = 1_000;
const retryMsMax = 300_000;

type Counts = { -readonly [Name in keyof AutoBackupFigures]: AutoBackupFigures[Name] };

/**
 * Backs the database up at an interval, on whichever node leads. What has not changed is not sent
 * again, be it by another leader or after a restart: by the log, in which no command has come since,
 * or else by the copy, which is the same.
 */
export class AutoBackup {
  readonly #parts: AutoBackupParts;
  readonly #counts: Counts;
  readonly #ending = new AbortController();
  /** While this node leads: what is in the store, and up to where the log is known to be in it. */
  #series: { readonly known: BackupSeries; index: number | undefined } | undefined;
  #timer: Timer | undefined;
  /** What is under way, and what somebody asked for behind it; never rejects. */
  #run: Promise<void> = Promise.resolve();
  /** What somebody has asked for and has not begun. */
  #asked: Promise<AskedBackup> | undefined;
  #verifying = false;

  constructor(parts: AutoBackupParts) {
    this.#parts = parts;
    this.#counts = {
      destination: parts.destination.name,
      intervalMs: parts.config.intervalMs,
      lastIndex: 0,
      lastUploadTime: undefined,
      lastUploadMs: 0,
      lastUploadBytes: 0,
      totalUploadBytes: 0,
      uploadsOk: 0,
      uploadsFailed: 0,
      skippedUnchanged: 0,
      skippedEqual: 0,
      looksFailed: 0,
      failing: undefined,
      retentionFailure: undefined,
      verification: undefined,
    };
  }

  get figures(): AutoBackupFigures {
    return this.#counts;
  }

  /** The backups that are remembered, as any node may ask. */
  async list(): Promise<SavedBackups> {
    const { backups, verifiedAt = 0, stranger } = await this.#manifest();
    return {
      destination: this.#parts.destination.name,
      count: backups.length,
      newest: backups.slice(-backupsShown).reverse().map(saved),
      verifiedAt,
      stranger,
    };
  }

  /**
   * Restores the backup with that key into a file, with all checks; undefined when none is
   * remembered. One at a time, as each takes the room of a database: else a StoreBusyError.
   */
  async verify(key: string): Promise<Verification | undefined> {
    const record = (await this.#manifest()).backups.find((backup) => backup.key === key);
    if (record === undefined) return undefined;
    if (this.#verifying) throw new StoreBusyError("Another backup is being verified here");
    this.#verifying = true;
    try {
      return await this.#restore(record);
    } finally {
      this.#verifying = false;
    }
  }

  /**
   * Makes one without waiting for the interval, which begins anew. What is under way is awaited and
   * does not count: it may lack what was written just before. All who ask meanwhile get the next one,
   * so that no more than one is ever waited for.
   */
  makeNow(): Promise<AskedBackup> {
    return this.#asked ??= this.#makeNext();
  }

  #makeNext(): Promise<AskedBackup> {
    const made = this.#run.then(() => {
      this.#asked = undefined;
      this.#timer?.cancel();
      return this.#tick();
    });
    this.#run = made.then(() => this.#wait());
    return made;
  }

  #manifest() {
    const { node, destination: { store, key } } = this.#parts;
    return readManifest(store, key, node.clusterId, this.#ending.signal);
  }

  start(): void {
    const { config: { intervalMs }, destination: { name } } = this.#parts;
    this.#log("INFO", `starting upload to ${name} every ${formatDuration(intervalMs)}`);
    this.#wait();
  }

  /** Gives up what is under way. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#ending.abort(new Error("The node is stopping"));
    await this.#run;
    this.#parts.destination.store.close();
    this.#log("INFO", "upload service shutting down");
  }

  #wait(): void {
    if (this.#ending.signal.aborted) return;
    const { clock, config: { intervalMs } } = this.#parts;
    const failures = this.#counts.failing?.times ?? 0;
    const retryMs = Math.min(retryMsMax, firstRetryMs * 2 ** Math.min(failures - 1, 20));
    const delayMs = failures === 0 ? intervalMs : Math.min(intervalMs, retryMs);
    // One may have been asked for, and have ended, before the first interval began.
    this.#timer?.cancel();
    this.#timer = clock.after(delayMs, () => {
      this.#run = this.#tick().then(() => this.#wait());
    });
  }

  async #tick(): Promise<AskedBackup> {
    if (!this.#parts.node.leads) {
      this.#series = undefined;
      this.#counts.failing = undefined;
      return { type: "elsewhere" };
    }
    try {
      const made = await this.#backUp();
      if (this.#counts.failing !== undefined) {
        this.#log("INFO", `uploads to ${this.#parts.destination.name} go well again`);
        this.#counts.failing = undefined;
      }
      const known = this.#series?.known;
      if (known !== undefined && this.#parts.node.leads) {
        await this.#expire(known);
        await this.#verify(known);
      }
      return made === undefined ? { type: "unchanged" } : { type: "made", backup: saved(made) };
    } catch (error) {
      const message = messageOf(error);
      if (!this.#ending.signal.aborted) this.#failed(message);
      return { type: "failed", message };
    }
  }

  #failed(message: string): void {
    const { name } = this.#parts.destination;
    const times = (this.#counts.failing?.times ?? 0) + 1;
    this.#counts.failing = { times, message };
    this.#counts.uploadsFailed++;
    // What is in the store is not known any more.
    this.#series = undefined;
    this.#log("ERROR", `failed to upload to ${name} (${times} in a row): ${message}`);
  }

  /** Undefined when there was nothing new. */
  async #backUp(): Promise<BackupRecord | undefined> {
    const { node, store, config: { vacuum, compression } } = this.#parts;
    // An empty database must not take the place of an older cluster's backup.
    if (this.#series === undefined && !await node.changedSince(0)) return undefined;
    const series = this.#series ??= await this.#look();
    const { index } = series;
    if (index !== undefined && !await this.#changedSince(index)) {
      this.#counts.skippedUnchanged++;
      return undefined;
    }
    await this.#confirm();
    const packed = await store.pack({ vacuum, compression }, this.#ending.signal);
    try {
      const isEqual = series.known.newest?.contentSha256 === packed.contentSha256;
      if (isEqual) this.#counts.skippedEqual++;
      else {
        const startedAt = this.#parts.clock.now();
        await series.known.add(packed, () => this.#confirm());
        this.#note(packed.sizeBytes, this.#parts.clock.now() - startedAt);
      }
      series.index = packed.position.index;
      this.#counts.lastIndex = series.known.newest?.id ?? 0;
      return isEqual ? undefined : series.known.newest;
    } finally {
      await packed.close();
    }
  }

  async #look(): Promise<{ known: BackupSeries; index: number | undefined }> {
    const { node, destination } = this.#parts;
    try {
      const known = await BackupSeries.look({
        ...this.#parts,
        cluster: node.clusterId,
        signal: this.#ending.signal,
      });
      this.#counts.lastIndex = known.newest?.id ?? 0;
      return { known, index: known.newest?.id };
    } catch (error) {
      this.#counts.looksFailed++;
      throw new Error(`failed to get current ID from ${destination.name}: ${messageOf(error)}`);
    }
  }

  async #changedSince(index: number): Promise<boolean> {
    const { node } = this.#parts;
    // A log that is behind the backup is another's.
    return node.appliedIndex < index ||
      (node.appliedIndex > index && await node.changedSince(index));
  }

  async #confirm(): Promise<void> {
    const { node } = this.#parts;
    await node.confirm();
    if (!node.leads) throw new Error("another node leads now");
  }

  #note(sizeBytes: number, durationMs: number): void {
    const { clock, destination: { name } } = this.#parts;
    const counts = this.#counts;
    counts.uploadsOk++;
    counts.lastUploadTime = clock.wallTime();
    counts.lastUploadMs = durationMs;
    counts.lastUploadBytes = sizeBytes;
    counts.totalUploadBytes += sizeBytes;
    const took = formatDuration(durationMs);
    this.#log("INFO", `completed auto upload of ${formatGoBytes(sizeBytes)} to ${name} in ${took}`);
  }

  /** Old backups that cannot be removed make no new one a failure. */
  async #expire(series: BackupSeries): Promise<void> {
    try {
      await series.expire();
      this.#counts.retentionFailure = undefined;
    } catch (error) {
      if (this.#ending.signal.aborted) throw error;
      const message = messageOf(error);
      this.#counts.retentionFailure = message;
      this.#log("WARN", `old backups could not be removed: ${message}`);
    }
  }

  async #verify(known: BackupSeries): Promise<void> {
    const { config: { verifyIntervalMs }, clock } = this.#parts;
    const { newest } = known;
    if (newest === undefined || verifyIntervalMs === 0) return;
    const lastTryAt = Math.max(known.verifiedAt, this.#counts.verification?.time ?? 0);
    const sinceMs = clock.wallTime() - lastTryAt;
    // A clock that was set back does not put the next check off.
    if (sinceMs >= 0 && sinceMs < verifyIntervalMs) return;
    const { damaged, ...verification } = await this.#restore(newest);
    this.#counts.verification = verification;
    if (verification.failure === undefined) await known.verified(verification.time);
    // What is damaged hides no missing backup: the next one is made whatever has changed.
    if (damaged && this.#series !== undefined) {
      known.discard(newest);
      this.#series.index = undefined;
      this.#counts.lastIndex = known.newest?.id ?? 0;
    }
  }

  /** Restores a backup with all checks, and says what came of it. */
  async #restore(record: BackupRecord): Promise<Verdict> {
    const { name, store: objects } = this.#parts.destination;
    const verdict = await verifyBackup(
      { ...this.#parts, objects, signal: this.#ending.signal },
      record,
    );
    const { key, durationMs, failure } = verdict;
    const what = `backup ${key} in ${name}`;
    if (failure === undefined) {
      this.#log("INFO", `restored ${what} and found it sound in ${formatDuration(durationMs)}`);
    } else this.#log("ERROR", `restored ${what} and it cannot be used: ${failure}`);
    return verdict;
  }

  #log(level: "INFO" | "WARN" | "ERROR", message: string): void {
    this.#parts.logger.log(level, "backup", message);
  }
}

function saved({ id, key, time, sizeBytes }: BackupRecord): SavedBackup {
  return { index: id, key, time, bytes: sizeBytes };
}
