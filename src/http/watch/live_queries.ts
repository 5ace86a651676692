import { Buffer } from "node:buffer";
import type { ChangeLog } from "../../changes/types.ts";
import type { WatchFigures } from "../../metrics/changes_families.ts";
import {
  type LiveReadRequest,
  SqlReal,
  type SqlValue,
  type Store,
  StoreBusyError,
} from "../../store/types.ts";
import { RequestError } from "../request_error.ts";
import { StreamReaders } from "../streams/stream_readers.ts";
import { LiveQuery } from "./live_query.ts";
import { HeldStates } from "./live_state.ts";
import { RunSlots } from "./run_slots.ts";
import { TableWatch } from "./table_watch.ts";

/** What live queries need of a store. */
export type LiveStore = Pick<Store, "applied" | "distrusted" | "liveRead" | "waitApplied">;

/** Characters of what is asked for. */
const nameMax = 128 * 1024;
/** How often what is asked for is there for each who asks: as it came, decoded, and as its name. */
const copiesOfName = 4;

interface Shared {
  readonly query: LiveQuery;
  users: number;
}

/** All live queries of a node, and who watches them. */
export class LiveQueries {
  readonly watchers = new StreamReaders();
  readonly states = new HeldStates();
  readonly store: LiveStore;
  readonly #slots = new RunSlots();
  readonly #tables: TableWatch;
  readonly #queries = new Map<string, Shared>();

  constructor(store: LiveStore, log: ChangeLog | undefined) {
    this.store = store;
    this.#tables = new TableWatch({ store, log });
  }

  get figures(): WatchFigures {
    return {
      watchers: this.watchers.count,
      queries: this.#queries.size,
      runs: this.#slots.runs,
      bytes: this.states.bytes + this.watchers.underWay.bytes,
    };
  }

  /**
   * The query for that, which others may have asked for as well, and what lets it go. `owner` is who
   * asks: all get their turns. Throws a RequestError for what is too long, and a StoreBusyError where
   * there is no room for it.
   */
  take(
    request: LiveReadRequest,
    owner: string,
  ): { readonly query: LiveQuery; readonly letGo: () => void } {
    const name = nameOf(request);
    if (name.length > nameMax) {
      throw new RequestError(
        400,
        `A watched query may have ${nameMax} bytes with its parameters: this one has ${name.length}`,
      );
    }
    const bytes = copiesOfName * name.length;
    if (!this.states.reserve(bytes)) {
      throw new StoreBusyError(
        "This node's live queries hold as many bytes as they may: ask another",
      );
    }
    let shared = this.#queries.get(name);
    if (shared === undefined || shared.query.failure !== undefined || !shared.query.isTrusted) {
      const { store, states } = this;
      const parts = { store, states, tables: this.#tables, slots: this.#slots, owner };
      shared = { query: new LiveQuery(request, parts), users: 0 };
      this.#queries.set(name, shared);
    }
    const mine = shared;
    mine.users++;
    let isHeld = true;
    const letGo = () => {
      if (!isHeld) return;
      isHeld = false;
      this.states.release(bytes);
      if (--mine.users > 0) return;
      mine.query.end(new Error("Nobody watches it any more"));
      if (this.#queries.get(name) === mine) this.#queries.delete(name);
    };
    return { query: mine.query, letGo };
  }

  /** Ends all streams: the node stops. */
  close(): void {
    this.watchers.close();
  }
}

/** The same for requests that are answered alike. */
function nameOf({ statement, format, timeoutMs, rights }: LiveReadRequest): string {
  const { sql, positional, named } = statement;
  return JSON.stringify([sql, positional, named, format, timeoutMs, rights], plain);
}

/** Values that JSON has no form for, or would make another's. */
function plain(_key: string, value: SqlValue | object): unknown {
  if (typeof value === "bigint") return { integer: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { number: String(value) };
  if (value instanceof SqlReal) return { real: String(value.value) };
  if (value instanceof Uint8Array) return { blob: Buffer.from(value).toString("base64") };
  if (value instanceof Map) return [...value];
  return value;
}
