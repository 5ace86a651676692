import { existsSync } from "node:fs";
import type { Prng } from "../../src/base/prng.ts";
import type { DiskEvent, DiskRecorder, DiskTrouble, Recorders } from "../power/disk_recorder.ts";
import { type Remains, VolatileFiles } from "../power/volatile_files.ts";

/** In memory where the system has room there for files: what a power cut takes is known here alone. */
const memoryFiles = "/dev/shm";
const place = existsSync(memoryFiles) ? { dir: memoryFiles } : {};

export type DiskFailure = "sync_failed" | "refused";

/**
 * A directory of real files, and what of them would survive a power cut. Without a recorder nothing
 * is lost in one.
 */
export class StoreDirectory {
  readonly path = Deno.makeTempDirSync({ prefix: "raftlite-simulation-", ...place });
  readonly #recorders: Recorders | undefined;
  readonly #libraryPath: string;
  readonly #random: Prng;
  #recorder: DiskRecorder | undefined;
  #files: VolatileFiles | undefined;
  /** What SQLite did that `#files` does not know yet. */
  #events: DiskEvent[] = [];
  readonly #failures = new Set<DiskFailure>();

  constructor(recorders: Recorders | undefined, libraryPath: string, random: Prng) {
    this.#random = random;
    this.#recorders = recorders;
    this.#libraryPath = libraryPath;
    this.#begin(new Map());
  }

  #begin(remains: Remains): void {
    if (this.#recorders === undefined) return;
    this.#recorder = this.#recorders(this.#libraryPath, this.path);
    this.#files = new VolatileFiles(this.path, remains);
    this.#events = [];
    this.#failures.clear();
  }

  get losesPower(): boolean {
    return this.#recorder !== undefined;
  }

  /** As of now; undefined where nothing is lost. */
  get files(): VolatileFiles | undefined {
    this.settle();
    return this.#files;
  }

  #take(): void {
    const events = this.#recorder?.take() ?? [];
    this.#events.push(...events);
    for (const { type } of events) {
      if (type === "sync_failed" || type === "refused") this.#failures.add(type);
    }
  }

  /** A power cut from now on is none before this. */
  settle(): void {
    this.#take();
    this.#files?.note(this.#events, this.#random);
    this.#events = [];
  }

  /** What its disk is to fail at from now on; undefined for nothing. */
  trouble(trouble: DiskTrouble | undefined): void {
    this.#recorder?.disturb(trouble);
  }

  /** What the disk has failed at under the program that runs. */
  get failures(): ReadonlySet<DiskFailure> {
    this.#take();
    return this.#failures;
  }

  /** Whether anything was synced since it was settled. */
  get hasSynced(): boolean {
    this.#take();
    return this.#events.some(({ type }) => type === "synced");
  }

  /** What a power cut leaves at some moment since it was settled; half of the time just before a sync. */
  cutPowerWithin(): Remains {
    this.#take();
    const random = this.#random;
    const syncs = this.#events.flatMap(({ type }, at) => type === "synced" ? [at] : []);
    const sync = syncs[random.below(Math.max(1, syncs.length))];
    const until = sync !== undefined && random.chance(0.5)
      ? sync
      : random.below(this.#events.length + 1);
    this.#files?.note(this.#events.slice(0, until), this.#random);
    this.#events = [];
    return this.#files?.cutPower(random) ?? new Map();
  }

  /** The program dies: its files stay as they stand while `end` closes them. */
  killProcess(end: () => void): void {
    this.settle();
    this.#failures.clear();
    this.#recorder?.disturb();
    const left = this.#contents();
    end();
    this.#put(left);
    // What their end did to them was taken back.
    this.#recorder?.take();
  }

  /** The machine dies: `end` closes its files, and they become what is left of them. */
  losePower(end: () => void, remains = this.#cutPower()): void {
    end();
    this.#recorder?.end();
    this.#put(remains);
    this.#begin(remains);
  }

  get #paths(): string[] {
    return Array.from(Deno.readDirSync(this.path), ({ name }) => `${this.path}/${name}`);
  }

  /** Of all files but the WAL's index, of which the first connection makes a new one. */
  #contents(): Remains {
    const paths = this.#paths.filter((path) => !path.endsWith("-shm"));
    return new Map(paths.map((path) => [path, Deno.readFileSync(path)]));
  }

  /** Into the same files: whoever looks whether they are others sees none. */
  #put(contents: Remains): void {
    for (const path of this.#paths) if (!contents.has(path)) Deno.removeSync(path);
    for (const [path, content] of contents) Deno.writeFileSync(path, content);
  }

  #cutPower(): Remains {
    this.settle();
    return this.#files?.cutPower(this.#random) ?? new Map();
  }

  remove(): void {
    this.#recorder?.end();
    Deno.removeSync(this.path, { recursive: true });
  }
}
