import { messageOf } from "../base/message_of.ts";
import { countedSource, type Transfers } from "../io/transfers.ts";
import type { Clock, Logger } from "../io/types.ts";
import type { ObjectInfo } from "../object_store/types.ts";
import type { PackedBackup } from "../store/types.ts";
import type { AutoBackupConfig } from "./config.ts";
import { isKeyOf, keyAt, type OpenDestination } from "./destination.ts";
import { Expiry } from "./expiry.ts";
import {
  type BackupRecord,
  keepManifest,
  readManifest,
  type Remembered,
  writeManifest,
} from "./manifest.ts";
import { checkedSum, piecesOf } from "./stored_bytes.ts";

export interface SeriesParts {
  readonly config: Pick<AutoBackupConfig, "timestamp" | "keepCount" | "keepMs">;
  readonly destination: OpenDestination;
  readonly cluster: string;
  readonly clock: Pick<Clock, "now" | "wallTime">;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Shows long transfers; undefined: nobody looks. */
  readonly transfers?: Transfers | undefined;
}

/** An upload that was begun longer ago is nobody's any more, in ms. */
const unfinishedMsMax = 24 * 3_600_000;

/** Metadata by which an object says whose it is, and what. */
const clusterKey = "raftlite-cluster";
const sha256Key = "raftlite-sha256";

/**
 * The backups of a cluster under one name, as its leader finds and leaves them. All that is known of
 * them is written beside them: another leader, or the next start, goes on from there.
 */
export class BackupSeries {
  readonly #parts: SeriesParts;
  #remembered: Remembered;
  /** What is remembered there is another cluster's, whose last backup a restore finds by it. */
  #isOthers: boolean;
  readonly #expiry: Expiry;

  private constructor(parts: SeriesParts, remembered: Remembered, isOthers: boolean) {
    this.#parts = parts;
    this.#remembered = remembered;
    this.#isOthers = isOthers;
    this.#expiry = new Expiry(parts.config, parts.clock);
  }

  /** Asks the store what is there. */
  static async look(parts: SeriesParts): Promise<BackupSeries> {
    const { destination: { store, key, name }, cluster, logger, signal } = parts;
    const { stranger, ...found } = await readManifest(store, key, cluster, signal);
    if (stranger !== undefined) {
      logger.log("WARN", "backup", `${name}: ${stranger}; they count for nothing here`);
    }
    const series = new BackupSeries(parts, found, stranger !== undefined);
    await series.#dropMissing();
    await series.#dropUnfinished();
    return series;
  }

  /** The last backup that is there; undefined for none. */
  get newest(): BackupRecord | undefined {
    return this.#remembered.backups.at(-1);
  }

  get verifiedAt(): number {
    return this.#remembered.verifiedAt ?? 0;
  }

  /** A record alone is no backup: the object must be there, and be that one. */
  async #dropMissing(): Promise<void> {
    const { newest } = this;
    if (newest === undefined || await this.#isThere(newest)) return;
    const { destination: { name }, logger } = this.#parts;
    logger.log("WARN", "backup", `${name}: backup ${newest.key} is gone or is another's`);
    this.#remembered = { ...this.#remembered, backups: this.#remembered.backups.slice(0, -1) };
  }

  /** What killed nodes have left. A right that is missing for it is no reason to make no backups. */
  async #dropUnfinished(): Promise<void> {
    const { destination: { store, key, name }, clock, logger, signal } = this.#parts;
    const prefix = key.slice(0, key.lastIndexOf("/") + 1);
    try {
      await store.dropUnfinished?.(prefix, {
        before: clock.wallTime() - unfinishedMsMax,
        isOurs: (other) => isKeyOf(key, other),
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      logger.log("DEBUG", "backup", `${name}: unfinished uploads stay: ${messageOf(error)}`);
    }
  }

  /**
   * What is there under the name that the next backup takes, and is no backup of this cluster's, is
   * kept under another name: a cluster that begins anew must not replace the last of an old one.
   */
  async #setAside(key: string): Promise<void> {
    const { destination: { store, name }, logger, signal } = this.#parts;
    if (this.#remembered.backups.some((backup) => backup.key === key)) return;
    const info = await store.info(key, signal);
    if (info === undefined || this.#wasOurs(info)) return;
    const aside = `${key}.not-of-${this.#parts.cluster}`;
    if (await store.info(aside, signal) === undefined) {
      const read = (offset: number, length: number) => store.read(key, offset, length, signal);
      const { sizeBytes, metadata } = info;
      await store.upload(aside, { sizeBytes, read }, { metadata, signal });
    }
    logger.log("WARN", "backup", `${name}: what was there is not this cluster's; kept as ${aside}`);
  }

  /** A backup that was stored, and not remembered any more. */
  #wasOurs({ metadata }: ObjectInfo): boolean {
    return metadata[clusterKey] === this.#parts.cluster;
  }

  async #isThere({ key, sizeBytes, sha256 }: BackupRecord): Promise<boolean> {
    const { destination: { store }, cluster, signal } = this.#parts;
    const info = await store.info(key, signal);
    if (info === undefined || info.sizeBytes !== sizeBytes) return false;
    const { metadata } = info;
    if (Object.keys(metadata).length === 0) return true;
    return metadata[clusterKey] === cluster && metadata[sha256Key] === sha256;
  }

  /** What is damaged counts as a backup no longer; an object of its own is removed with the next one. */
  discard(record: BackupRecord): void {
    const { backups, begun = [] } = this.#remembered;
    this.#remembered = {
      ...this.#remembered,
      backups: backups.filter((other) => other !== record),
      begun: this.#parts.config.timestamp ? [...begun, record.key] : begun,
    };
  }

  /**
   * Stores a backup, sees that it is there as it was sent, and remembers it. `confirm` is asked
   * before anything is remembered: who no longer leads must not say what is there.
   */
  async add(packed: PackedBackup, confirm: () => Promise<void>): Promise<BackupRecord> {
    const { config, destination, clock, signal } = this.#parts;
    const { store, key: base } = destination;
    const time = clock.wallTime();
    const id = packed.position.index;
    const key = config.timestamp ? keyAt(base, time) : base;
    const { sizeBytes, sha256, contentSha256 } = packed;
    const record: BackupRecord = { id, key, time, sizeBytes, sha256, contentSha256 };
    await this.#begin(key);
    await this.#setAside(key);
    const counted = countedSource(this.#parts.transfers, "auto-backup", {
      source: packed,
      totalBytes: sizeBytes,
      what: `to ${destination.name}`,
    });
    const options = { metadata: this.#metadata(record), signal };
    await store.upload(key, counted.source, options).finally(counted.end);
    await this.#checkStored(record);
    await confirm();
    const backups = [...this.#remembered.backups.filter((old) => old.key !== key), record];
    const begun = (this.#remembered.begun ?? []).filter((old) => old !== key);
    await this.#remember({ ...this.#remembered, backups, begun });
    const beside = destination.besides(String(id), key, time);
    if (beside !== undefined) {
      await store.put(beside.key, new TextEncoder().encode(beside.text), { signal });
    }
    return record;
  }

  #metadata({ id, sha256 }: BackupRecord): Record<string, string> {
    const metadata = this.#parts.destination.metadata(String(id));
    if (Object.keys(metadata).length === 0) return {};
    return { ...metadata, [clusterKey]: this.#parts.cluster, [sha256Key]: sha256 };
  }

  /** Removes what was cut short, and notes what is begun, so that it does not stay for ever. */
  async #begin(key: string): Promise<void> {
    const { config, destination: { store }, signal } = this.#parts;
    // Where there is no backup of this cluster's yet, another's is what there is to restore.
    if (!config.timestamp || this.#isOthers) return;
    const { backups, begun = [] } = this.#remembered;
    const kept = new Set(backups.map((backup) => backup.key));
    for (const old of begun) if (!kept.has(old)) await store.remove(old, signal);
    await this.#remember({ ...this.#remembered, begun: [key] });
  }

  async #checkStored(record: BackupRecord): Promise<void> {
    const { destination: { store, checksItself }, signal } = this.#parts;
    const { key, sizeBytes, sha256 } = record;
    if (!await this.#isThere(record)) {
      throw new Error(`${key} was stored, and is not there as it was sent`);
    }
    if (checksItself) return;
    const body = piecesOf(store, key, sizeBytes, signal);
    const error = () => new Error(`${key} was stored, and reads otherwise`);
    for await (const _ of checkedSum(body, sha256, error)) { /* Its sum is checked at its end. */ }
  }

  async #remember(remembered: Remembered): Promise<void> {
    const { destination: { store, key }, cluster, signal } = this.#parts;
    if (this.#isOthers) await keepManifest(store, key, cluster, signal);
    await writeManifest(store, key, { ...remembered, cluster }, signal);
    this.#isOthers = false;
    this.#remembered = remembered;
  }

  /** Notes that a backup was restored and found sound. */
  async verified(time: number): Promise<void> {
    await this.#remember({ ...this.#remembered, verifiedAt: time });
  }

  /** Removes backups that are too many or too old; never the newest. */
  async expire(): Promise<void> {
    const { destination: { store, name }, logger, signal } = this.#parts;
    const expired = this.#expiry.of(this.#remembered.backups);
    if (expired.length === 0) return;
    for (const { key } of expired) await store.remove(key, signal);
    const backups = this.#remembered.backups.filter((backup) => !expired.includes(backup));
    await this.#remember({ ...this.#remembered, backups });
    logger.log("INFO", "backup", `${name}: removed ${expired.length} old backups`);
  }
}
