import type {
  AppliedEntry,
  AppliedPosition,
  ApplyEntry,
  BackupOptions,
  CheckedBackup,
  PackOptions,
  ReadRequest,
  Statements,
  Store,
} from "../../src/store/types.ts";
import type { CheckedStore, StoreHomeParts } from "./store_home.ts";

/** How far the node has come that a home belongs to. */
export interface Progress {
  /** The last entry that was handed over to be applied, or was found applied. */
  appliedIndex: number;
  durableIndex: number;
  installedIndex: number;
  /** Of a state that is being put in the place of the one that is there; 0 for none. */
  acceptedIndex: number;
}

export function noteInstalled(progress: Progress, index: number): void {
  Object.assign(progress, {
    appliedIndex: index,
    durableIndex: Math.max(progress.durableIndex, index),
    installedIndex: index,
    acceptedIndex: 0,
  });
}

/** The store, and how far it was brought. */
export class ObservedStore implements CheckedStore {
  readonly stateHash = 0;
  readonly #store: Store;
  readonly #parts: StoreHomeParts;
  readonly #progress: Progress;

  constructor(store: Store, parts: StoreHomeParts, progress: Progress) {
    this.#store = store;
    this.#parts = parts;
    this.#progress = progress;
  }

  get applied(): AppliedPosition {
    return this.#store.applied;
  }

  get full(): string | undefined {
    return this.#store.full;
  }

  get outsideReaders() {
    return this.#store.outsideReaders;
  }

  get changes() {
    return this.#store.changes;
  }

  get changesDelivered() {
    return this.#store.changesDelivered;
  }

  get failed(): Promise<never> {
    return this.#store.failed;
  }

  statements() {
    return this.#store.statements();
  }

  apply(entries: readonly ApplyEntry[]): Promise<AppliedEntry[]> {
    for (const { entry } of entries) {
      this.#progress.appliedIndex = entry.index;
      this.#parts.applied(entry, this.stateHash);
    }
    return this.#store.apply(entries);
  }

  async checkpoint(): Promise<AppliedPosition> {
    const position = await this.#store.checkpoint();
    this.#progress.durableIndex = Math.max(this.#progress.durableIndex, position.index);
    return position;
  }

  openSnapshot() {
    return this.#store.openSnapshot();
  }

  liveRead(...asked: Parameters<Store["liveRead"]>) {
    return this.#store.liveRead(...asked);
  }

  waitApplied(...asked: Parameters<Store["waitApplied"]>) {
    return this.#store.waitApplied(...asked);
  }

  hold() {
    return this.#store.hold();
  }

  get distrusted() {
    return this.#store.distrusted;
  }

  /** Nothing here damages a page. */
  onDamage() {
    this.#store.onDamage((reason) => {
      throw new Error(`A page as it was written was called a wrong one: ${reason}`);
    });
  }

  distrust() {
    this.#store.distrust();
  }

  loadPrepared() {
    return this.#store.loadPrepared();
  }

  prepareCopy() {
    this.#store.prepareCopy();
  }

  holdCopy() {
    return this.#store.holdCopy();
  }

  rehearsal(rights: string | undefined) {
    return this.#store.rehearsal(rights);
  }

  async installSnapshot(
    body: AsyncIterable<Uint8Array>,
    accept?: (position: AppliedPosition) => Promise<void>,
  ): Promise<AppliedPosition> {
    const position = await this.#store.installSnapshot(this.#onTheWay(body), async (accepted) => {
      await accept?.(accepted);
      this.#progress.acceptedIndex = accepted.index;
    });
    noteInstalled(this.#progress, position.index);
    return position;
  }

  /** Sometimes a bit of it turns over. */
  async *#onTheWay(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { random, faults } = this.#parts;
    for await (const chunk of body) {
      if (!random.chance(faults().damage)) yield chunk;
      else {
        const damaged = chunk.slice();
        const at = random.below(damaged.length);
        damaged[at] = (damaged[at] ?? 0) ^ 1;
        yield damaged;
      }
    }
  }

  read(request: ReadRequest, signal?: () => AbortSignal) {
    return this.#store.read(request, signal);
  }

  inspect(statements: Statements) {
    return this.#store.inspect(statements);
  }

  backup(options: BackupOptions, signal?: AbortSignal) {
    return this.#store.backup(options, signal);
  }

  pack(options: PackOptions, signal?: AbortSignal) {
    return this.#store.pack(options, signal);
  }

  check(body: AsyncIterable<Uint8Array>, signal?: AbortSignal) {
    return this.#store.check(body, signal);
  }

  install(copy: CheckedBackup) {
    return this.#store.install(copy);
  }

  status() {
    return this.#store.status();
  }

  shrink(): void {
    this.#store.shrink();
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
