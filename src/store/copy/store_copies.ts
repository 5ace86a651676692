import type { Clock } from "../../io/types.ts";
import type { Library } from "../../sqlite/mod.ts";
import type { LifeCycle } from "../life_cycle.ts";
import { imageLimits, type StoreLimits } from "../options.ts";
import type { Threads } from "../threads.ts";
import type {
  BackupCopy,
  BackupOptions,
  CheckedBackup,
  PackedBackup,
  PackOptions,
  StateSnapshot,
} from "../types.ts";
import { checkBackup, packBackup } from "./backup_files.ts";
import { ClientBackups } from "./client_backups.ts";
import { Copier } from "./copier.ts";
import type { ImageLimits } from "./held_image.ts";
import { Images } from "./images.ts";
import { type ReceivedSnapshot, SnapshotCopies } from "./snapshot_copies.ts";
import type { TemporaryFiles } from "./temporary_files.ts";

interface Parts {
  readonly library: Library;
  /** The database's file. */
  readonly path: string;
  readonly temporaries: TemporaryFiles;
  readonly life: LifeCycle;
  readonly threads: Threads;
  readonly clock: Clock;
  readonly limits: StoreLimits;
}

/** The copies of a store's database: snapshots for other nodes, backups, and those that come in. */
export class StoreCopies {
  readonly #parts: Parts;
  readonly #imageLimits: ImageLimits;
  readonly #images: Images;
  readonly #backups: ClientBackups;
  readonly #snapshots: SnapshotCopies;
  /** For what takes long, and nobody waits for: snapshots and clients' backups do not queue behind it. */
  readonly #packer: Copier;

  constructor(parts: Parts) {
    const { library, path, temporaries, life, threads, clock, limits } = parts;
    this.#parts = parts;
    this.#imageLimits = imageLimits(limits);
    const copier = new Copier(library, life, threads, clock);
    const images = this.#images = new Images({
      library,
      path,
      temporaries,
      life,
      threads,
      limits: this.#imageLimits,
    });
    const { stallMs } = limits;
    this.#backups = new ClientBackups({ path, images, temporaries, copier, clock, stallMs });
    this.#snapshots = new SnapshotCopies({ images, temporaries, copier });
    this.#packer = new Copier(library, life, threads, clock);
  }

  /** Whether one is read off the database's file now, which no checkpoint may change meanwhile. */
  get isFileHeld(): boolean {
    return this.#images.areHeld || this.#packer.isRunning;
  }

  openSnapshot(): Promise<StateSnapshot> {
    return this.#snapshots.open();
  }

  receiveSnapshot(body: AsyncIterable<Uint8Array>): Promise<ReceivedSnapshot> {
    return this.#snapshots.receive(body);
  }

  backup(options: BackupOptions, signal?: AbortSignal): Promise<BackupCopy> {
    return this.#backups.open(options, signal);
  }

  pack(options: PackOptions, signal?: AbortSignal): Promise<PackedBackup> {
    const { path, temporaries } = this.#parts;
    const limits = this.#imageLimits;
    const run = (plain: string, target: string) =>
      this.#packer.run<"pack">({ type: "pack", path, plain, target, options, limits }, signal);
    return packBackup(temporaries, run);
  }

  check(body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<CheckedBackup> {
    const run = (path: string, target: string) =>
      this.#packer.run<"restore">({ type: "restore", path, target }, signal);
    return checkBackup(this.#parts.temporaries, body, run);
  }
}
