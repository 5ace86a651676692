import { messageOf } from "../base/message_of.ts";
import { AddressError, parseAddress } from "../io/address.ts";
import { bounded } from "./bounds.ts";
import { LookFigures } from "./look_figures.ts";
import {
  type Discovery,
  DiscoveryError,
  type DiscoveryFigures,
  type DiscoveryMode,
  type Entry,
  type Registry,
} from "./types.ts";

/** How long what a node has written of itself lasts without being written again, in seconds. */
export const nodeSeconds = 60;

/** What is asked of a store of keys and values. Each call may throw. */
export interface KeyStore {
  /** undefined when there is no such key. */
  get(key: string): Promise<string | undefined>;
  /** Writes the key unless it is there; says whether it has. */
  create(key: string, value: string): Promise<boolean>;
  put(key: string, value: string): Promise<void>;
  /** Writes the key so that it goes by itself, `nodeSeconds` after it was written last. */
  putForNow(key: string, value: string): Promise<void>;
  /** The values of all keys that begin so. */
  list(prefix: string): Promise<readonly string[]>;
}

interface Parts {
  readonly mode: DiscoveryMode;
  /** Where the store is, for messages. */
  readonly at: string;
  /** -disco-key. */
  readonly key: string;
  readonly store: KeyStore;
}

/**
 * Finds the cluster by a key in a store, which every leader writes, as rqlite's do: KEY/leader. It
 * never goes by itself: that it is there says that there is a cluster, however long nobody has led
 * it, so that no second one comes to be. It may name a node that is long gone. So the nodes write
 * themselves down too, each for a while, and any of them is a way in.
 */
export class KeyDiscovery implements Discovery, Registry {
  readonly mode: DiscoveryMode;
  readonly #parts: Parts;
  readonly #looks = new LookFigures();
  #reportedAt: Date | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.mode = parts.mode;
  }

  get registry(): Registry {
    return this;
  }

  get name(): string {
    return `${this.#leaderKey} in ${this.#parts.at}`;
  }

  get #leaderKey(): string {
    return `${this.#parts.key}/leader`;
  }

  get #nodePrefix(): string {
    return `${this.#parts.key}/nodes/`;
  }

  look(): Promise<readonly string[]> {
    return this.#looks.of(async () => {
      const leader = await this.leader();
      const values = await this.#ask("read", () => this.#parts.store.list(this.#nodePrefix));
      const nodes = values.flatMap((value) => entryOf(value) ?? []);
      return bounded([...leader === undefined ? [] : [leader], ...nodes].map(({ addr }) => addr));
    });
  }

  async leader(): Promise<Entry | undefined> {
    const value = await this.#ask("read", () => this.#parts.store.get(this.#leaderKey));
    if (value === undefined) return undefined;
    const entry = entryOf(value);
    if (entry !== undefined) return entry;
    throw new DiscoveryError(
      `Discovery by ${this.mode}: ${this.name} does not hold a node, as {"id": …, "api_addr": …, "addr": …}: choose another -disco-key, or delete the key`,
    );
  }

  claim(entry: Entry): Promise<boolean> {
    return this.#ask(
      "write",
      () => this.#parts.store.create(this.#leaderKey, JSON.stringify(entry)),
    );
  }

  async report(entry: Entry, isLeader: boolean): Promise<void> {
    const { store } = this.#parts;
    const value = JSON.stringify(entry);
    await this.#ask("write", async () => {
      const known = entryOf(await store.get(this.#leaderKey) ?? "");
      const theirs = known?.cluster_id ?? entry.cluster_id;
      if (theirs !== entry.cluster_id) {
        throw new Error(
          `it is of cluster ${theirs}, and this node of cluster ${entry.cluster_id}: give one of them another -disco-key, or delete the key`,
        );
      }
      if (isLeader) await store.put(this.#leaderKey, value);
      await store.putForNow(this.#nodePrefix + encodeURIComponent(entry.id), value);
    });
    this.#reportedAt = new Date();
  }

  figures(): DiscoveryFigures {
    const { key, at } = this.#parts;
    const last_report = this.#reportedAt?.toISOString();
    return { mode: this.mode, key, address: at, last_report, ...this.#looks.figures };
  }

  async #ask<T>(action: "read" | "write", work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new DiscoveryError(
        `Discovery by ${this.mode} could not ${action} ${this.name}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }
}

/** As the nodes draw them. */
function isClusterId(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{16}$/.test(value);
}

/** What another node has written; undefined for what is none. */
function entryOf(value: string): Entry | undefined {
  try {
    const { id, api_addr, addr, server_id, cluster_id } = JSON.parse(value) as Record<
      string,
      unknown
    >;
    if (typeof id !== "string" || typeof addr !== "string") return undefined;
    parseAddress(addr);
    return {
      id,
      addr,
      api_addr: typeof api_addr === "string" ? api_addr : "",
      ...typeof server_id === "string" ? { server_id } : {},
      ...isClusterId(cluster_id) ? { cluster_id } : {},
    };
  } catch (error) {
    const isOther = error instanceof SyntaxError || error instanceof TypeError;
    if (isOther || error instanceof AddressError) return undefined;
    throw error;
  }
}
