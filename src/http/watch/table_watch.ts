import { foldName } from "../../access/table_rights.ts";
import { type ChangeLog, ChangesTruncatedError } from "../../changes/types.ts";
import type { Store } from "../../store/types.ts";

/** Between two looks, in ms: what is written meanwhile is looked at together. */
const pauseMs = 20;
/** Of the change log, for one look: a moment on the main thread. Of more, all tables count as changed. */
const readBytes = 256 * 1024;

/** Which tables entries have changed, since the last look. */
export interface TableChanges {
  /** The last entry that was looked at. */
  readonly upTo: number;
  /** By folded name: the last entry that changed it. */
  readonly tables: ReadonlyMap<string, number>;
  /** The last entry that may have changed every table, and the schema; 0 for none. */
  readonly everything: number;
}

/** Is told of changes. */
export interface TableWatcher {
  note(changes: TableChanges): void;
  /** Nothing more is told: the store has ended. */
  end(error: Error): void;
}

interface Parts {
  readonly store: Pick<Store, "applied" | "waitApplied">;
  /** Without one, every entry may have changed every table. */
  readonly log: Pick<ChangeLog, "read"> | undefined;
}

/** Looks, whenever entries were applied, which tables they have changed, as long as somebody wants to know. */
export class TableWatch {
  readonly #parts: Parts;
  readonly #watchers = new Set<TableWatcher>();
  /** Ends the looking; undefined while nobody looks. */
  #looking: AbortController | undefined;
  #upTo = 0;
  #looked = Promise.withResolvers<void>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The last entry that was looked at: of later ones nothing was told yet. */
  get upTo(): number {
    return this.#upTo;
  }

  /** Changes of entries that are applied from now on are told. */
  add(watcher: TableWatcher): void {
    this.#watchers.add(watcher);
    if (this.#looking !== undefined) return;
    this.#upTo = this.#parts.store.applied.index;
    const looking = this.#looking = new AbortController();
    this.#look(looking.signal).catch((error) => {
      for (const each of this.#watchers) each.end(error);
      this.#tell();
    });
  }

  delete(watcher: TableWatcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0) return;
    this.#looking?.abort();
    this.#looking = undefined;
  }

  /** Resolves once an entry was looked at, which must be applied. */
  async reach(index: number): Promise<void> {
    while (this.#looking !== undefined && this.#upTo < index) await this.#looked.promise;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { store } = this.#parts;
    for (;;) {
      await store.waitApplied(this.#upTo + 1, signal);
      if (signal.aborted) break;
      const changes = this.#changes();
      this.#upTo = changes.upTo;
      for (const watcher of this.#watchers) watcher.note(changes);
      this.#tell();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    this.#tell();
  }

  #tell(): void {
    const { resolve } = this.#looked;
    this.#looked = Promise.withResolvers();
    resolve();
  }

  #changes(): TableChanges {
    const { store, log } = this.#parts;
    const upTo = store.applied.index;
    const all: TableChanges = { upTo, tables: new Map(), everything: upTo };
    if (log === undefined) return all;
    const tables = new Map<string, number>();
    let everything = 0;
    try {
      const { groups, next } = log.read({ index: this.#upTo + 1, change: 0 }, readBytes);
      if (next.index <= upTo) return all;
      for (const { index, changes } of groups) {
        for (const change of changes) {
          if (change.type === "read_again") everything = index;
          else tables.set(foldName(change.table.name), index);
        }
      }
    } catch (error) {
      // Another database is in its place, or they were too many.
      if (error instanceof ChangesTruncatedError) return all;
      throw error;
    }
    return { upTo, tables, everything };
  }
}
