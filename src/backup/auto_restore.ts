import { formatDuration } from "../base/duration.ts";
import { messageOf } from "../base/message_of.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import { type CheckedBackup, DamagedBackupError, type Store } from "../store/types.ts";
import type { AutoRestoreConfig } from "./config.ts";
import { ArchiveError, NoArchiveError } from "./archive/layout.ts";
import type { RestoreSource } from "./restore_source.ts";
import type { AutoRestoreFigures, LeadingNode } from "./types.ts";

/** Between two looks at who leads, in ms. */
const lookMs = 100;

export interface AutoRestoreParts {
  readonly config: Pick<AutoRestoreConfig, "timeoutMs" | "continueOnFailure">;
  readonly source: RestoreSource;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The node, once it takes part, as far as a restore asks for it. */
export interface RestoringNode {
  readonly leading: LeadingNode;
  /** Whether a leader is known, this node or another. */
  hasLeader(): boolean;
  /** Asks `check` last, while nobody writes, and loads nothing where that rejects. */
  load(
    file: ReadableStream<Uint8Array>,
    sizeBytes: number,
    check: () => Promise<void>,
  ): Promise<unknown>;
}

/**
 * Restores a backup into a cluster that has no data. Each of its nodes is started alike: each has
 * the backup fetched and checked before it takes part, and whichever leads loads it for all.
 */
export class AutoRestore {
  readonly #parts: AutoRestoreParts;
  readonly #ending = new AbortController();
  #backup: CheckedBackup | undefined;
  #counts = {
    restored: 0,
    failed: 0,
    skipped: 0,
    downloadsOk: 0,
    downloadsFailed: 0,
    downloadBytes: 0,
  };
  #timer: Timer | undefined;
  #run: Promise<void> | undefined;

  constructor(parts: AutoRestoreParts) {
    this.#parts = parts;
  }

  get figures(): AutoRestoreFigures {
    return { ...this.#counts, pending: this.pending };
  }

  /** The backup is not in the cluster yet: what is there is not what clients are to see. */
  get pending(): boolean {
    return this.#backup !== undefined;
  }

  /** Fetches and checks the backup, unless the node has data. Rejects when the node must not start. */
  async fetch(
    { store, hasData }: { readonly store: Pick<Store, "check">; readonly hasData: boolean },
  ): Promise<void> {
    const { config, source, dataDirectory, clock } = this.#parts;
    if (hasData) {
      this.#log(
        "INFO",
        `auto-restore requested, but data already exists in ${dataDirectory}, skipping`,
      );
      this.#counts.skipped++;
      return;
    }
    this.#log("INFO", "auto-restore requested, initiating download");
    const startedAt = clock.now();
    const timeout = new AbortController();
    const timer = clock.after(config.timeoutMs, () => {
      timeout.abort(new Error("context deadline exceeded"));
    });
    try {
      const signal = AbortSignal.any([timeout.signal, this.#ending.signal]);
      const { backup, sizeBytes } = await source.fetch(store, signal);
      this.#backup = backup;
      this.#counts.downloadBytes = sizeBytes;
    } catch (error) {
      this.#counts.downloadsFailed++;
      this.#refuse(error);
      return;
    } finally {
      timer.cancel();
    }
    this.#counts.downloadsOk++;
    this.#log("INFO", `auto-restore file downloaded in ${formatDuration(clock.now() - startedAt)}`);
  }

  /** What cannot be had may be gone without; what is damaged may not. */
  #refuse(error: unknown): void {
    const { config, source: { name } } = this.#parts;
    if (error instanceof DamagedBackupError) {
      throw new Error(
        `failed to preload auto-restore data: file ${name} is not a valid SQLite file: ${error.message}`,
      );
    }
    if (error instanceof ArchiveError && !(error instanceof NoArchiveError)) {
      throw new Error(`failed to preload auto-restore data: ${error.message}`);
    }
    const message = `failed to download auto-restore file: failed to download from ${name}: ${
      messageOf(error)
    }`;
    if (!config.continueOnFailure) throw new Error(message);
    this.#log("ERROR", `${message}, continuing with node startup anyway`);
  }

  /** To be called when the node takes part: sees to it that whoever leads loads the backup. */
  start(node: RestoringNode): void {
    if (this.#backup === undefined) return;
    const look = () => {
      this.#run = this.#look(node).then((over) => {
        if (!over && !this.#ending.signal.aborted) {
          this.#timer = this.#parts.clock.after(lookMs, look);
        }
      });
    };
    look();
  }

  /** True once there is nothing left to do. */
  async #look(node: RestoringNode): Promise<boolean> {
    const backup = this.#backup;
    if (backup === undefined) return true;
    const { leading } = node;
    try {
      if (!node.hasLeader()) return false;
      if (leading.leads) await leading.confirm();
      if (await leading.changedSince(0)) {
        const why = leading.leads ? "the cluster has data by now" : "different node became leader";
        this.#log("INFO", `${why}, not performing auto-restore`);
        this.#counts.skipped++;
      } else if (leading.leads) {
        await this.#load(node, backup);
      } else return false;
    } catch (error) {
      if (!this.#ending.signal.aborted) {
        this.#counts.failed++;
        this.#log("WARN", `auto-restore failed, and is tried again: ${messageOf(error)}`);
      }
      return false;
    }
    await this.#drop();
    return true;
  }

  async #load({ leading, load }: RestoringNode, backup: CheckedBackup): Promise<void> {
    const { source: { name } } = this.#parts;
    this.#log("INFO", `this node is now leader, auto-restoring from ${name}`);
    const { signal } = this.#ending;
    const body = async function* () {
      for await (const piece of backup.body()) {
        signal.throwIfAborted();
        if (!leading.leads) throw new Error("another node leads now");
        yield piece;
      }
    };
    // What was acknowledged is not replaced.
    const check = async () => {
      if (await leading.changedSince(0)) throw new Error("the cluster has data now");
    };
    await load(ReadableStream.from(body()), backup.sizeBytes, check);
    this.#counts.restored++;
    this.#log("INFO", `node auto-restored successfully from ${name}`);
  }

  async #drop(): Promise<void> {
    const backup = this.#backup;
    this.#backup = undefined;
    await backup?.close();
  }

  async stop(): Promise<void> {
    this.#ending.abort(new Error("The node is stopping"));
    this.#timer?.cancel();
    await this.#run;
    await this.#drop();
    this.#parts.source.close();
  }

  #log(level: "INFO" | "WARN" | "ERROR", message: string): void {
    this.#parts.logger.log(level, "backup", message);
  }
}
