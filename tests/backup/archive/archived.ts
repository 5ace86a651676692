import { Archiver } from "../../../src/backup/archive/archiver.ts";
import type { ArchivePlace } from "../../../src/backup/archive/layout.ts";
import { DenoClock } from "../../../src/io/deno_clock.ts";
import type { Clock } from "../../../src/io/types.ts";
import { openDirectory } from "../../../src/object_store/open_store.ts";
import type {
  ListedObject,
  ObjectInfo,
  ObjectSource,
  ObjectStore,
  PutOptions,
} from "../../../src/object_store/types.ts";
import { eventually } from "../../cluster/harness.ts";
import { TestStore } from "../../store/fixture.ts";
import { LogLines } from "../fixture.ts";
import { History, Member } from "./history.ts";

/** A store of objects that can be made to fail. */
export class FaultyStore implements ObjectStore {
  /** Called before anything is done; what it throws, or waits for, comes of it. */
  before: (action: keyof ObjectStore, key: string) => void | Promise<void> = () => {};
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async info(key: string): Promise<ObjectInfo | undefined> {
    await this.before("info", key);
    return await this.#store.info(key);
  }

  async read(key: string, offset: number, length: number): Promise<Uint8Array> {
    await this.before("read", key);
    return await this.#store.read(key, offset, length);
  }

  async put(key: string, bytes: Uint8Array<ArrayBuffer>, options?: PutOptions): Promise<void> {
    await this.before("put", key);
    await this.#store.put(key, bytes, options);
  }

  async upload(key: string, source: ObjectSource, options?: PutOptions): Promise<void> {
    await this.before("upload", key);
    await this.#store.upload(key, source, options);
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    await this.before("list", prefix);
    yield* this.#store.list(prefix);
  }

  async remove(key: string): Promise<void> {
    await this.before("remove", key);
    await this.#store.remove(key);
  }

  close(): void {}
}

/** A cluster of which everything is archived, whose leader one is told of. */
export class Archived implements AsyncDisposable {
  readonly live: TestStore;
  readonly objects: FaultyStore;
  readonly place: ArchivePlace;
  readonly history = new History();
  readonly log = new LogLines();
  leader: Member;
  #archiver: Archiver;

  private constructor(live: TestStore, objects: ObjectStore) {
    this.live = live;
    this.objects = new FaultyStore(objects);
    this.place = { store: this.objects, prefix: "", name: "the archive" };
    this.leader = new Member(this.history);
    this.#archiver = this.#start({});
  }

  /** @param directory Of the archive. */
  static async open(directory: string): Promise<Archived> {
    const live = await TestStore.open({ foreignKeys: true });
    return new Archived(live, await openDirectory(directory));
  }

  get archiver(): Archiver {
    return this.#archiver;
  }

  #start(options: Partial<ConstructorParameters<typeof Archiver>[0]>): Archiver {
    const archiver = new Archiver({
      place: this.place,
      lagMs: 4,
      baseIntervalMs: 3_600_000,
      node: this.leader,
      store: this.live.store,
      sqliteVersion: "3",
      clock: new DenoClock() as Clock,
      logger: this.log,
      ...options,
    });
    archiver.start();
    return archiver;
  }

  /** Another leader, or another start of this one. */
  async restart(
    options: Partial<ConstructorParameters<typeof Archiver>[0]> = {},
  ): Promise<void> {
    await this.#archiver.stop();
    this.#archiver = this.#start(options);
  }

  /** Writes, and waits until that is archived; returns the index. */
  async write(...statements: string[]): Promise<number> {
    const entry = this.live.entries.execute(statements);
    this.history.entries.push(entry.entry);
    await this.live.store.apply([entry]);
    const { index } = entry.entry;
    await eventually(
      () => `index ${index} in the archive\n${this.log.text}`,
      () => {
        const { index: archived, lastBaseTime } = this.#archiver.figures;
        return archived >= index && lastBaseTime !== undefined;
      },
    );
    return index;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.objects.before = () => {};
    await this.#archiver.stop();
    await this.live[Symbol.asyncDispose]();
  }
}
