import { messageOf } from "../../src/base/message_of.ts";
import { checkHistory, History, type Operation, type ReadKind } from "../simulation/history.ts";
import { RequestFailed, rows, run } from "./request.ts";
import type { FinalRead, Site, Workload, WorkloadParts } from "./workload.ts";

/** Lists that are in use at the same time, and how many operations are done until it is others. */
const together = 4;
const operationsEach = 200;

const levels: readonly ReadKind[] = ["none", "none", "weak", "linearizable", "strong"];

/** What a session, which goes from node to node, has seen of a list. */
interface Session {
  index: number;
  readonly seen: Map<number, readonly number[]>;
  readonly own: Map<number, number[]>;
}

/**
 * Lists that are appended to, and read at every level; some clients read at level none with the index
 * of what they have seen, at any node, and never go back in time.
 */
export class Lists implements Workload {
  readonly name = "lists";
  readonly setup = [
    "CREATE TABLE lists (id INTEGER PRIMARY KEY AUTOINCREMENT, key INTEGER, value INTEGER)",
    "CREATE INDEX lists_key ON lists (key)",
  ];
  readonly clients = 6;
  readonly #parts: WorkloadParts;
  readonly #hasSessions: boolean;
  readonly #operations: Operation[] = new History().operations;
  readonly #sessions = new Map<number, Session>();
  #begun = 0;
  #lastValue = 0;

  /** @param hasSessions Nodes tell where in the log an answer stands, and wait for that. */
  constructor(parts: WorkloadParts, hasSessions: boolean) {
    this.#parts = parts;
    this.#hasSessions = hasSessions;
  }

  async once(site: Site, client: number): Promise<void> {
    const { home, random } = site;
    const window = Math.floor(this.#begun++ / (operationsEach * together));
    const key = window * together + random.below(together);
    if (this.#hasSessions && client % 3 === 0) return await this.#inSession(site, client, key);
    if (random.chance(0.4)) await this.#append(home, client, key);
    else await this.#read(home, client, key, levels[random.below(levels.length)] ?? "none");
  }

  /** Returns where in the log it was done; undefined when it is not known to be done. */
  async #append(home: Site["home"], client: number, key: number): Promise<number | undefined> {
    const { moment, report } = this.#parts;
    const value = ++this.#lastValue;
    const append: Operation = {
      ...{ client, key, kind: "append", value, length: undefined },
      ...{ invokedAt: moment(), returnedAt: Infinity, outcome: "unknown" },
    };
    this.#operations.push(append);
    try {
      const sql = "INSERT INTO lists (key, value) VALUES (?, ?)";
      const { results: [result], reply } = await run(home, "/db/execute?timeout=3s", [
        [sql, key, value],
      ]);
      if (result?.error !== undefined) throw new Error(`List ${key}: ${result.error}`);
      Object.assign(append, { outcome: "applied", returnedAt: moment() });
      report.count("appends");
      if (this.#hasSessions && reply.index === undefined) {
        report.violation("Index", `An append told none: ${reply.text}`);
      }
      return reply.index;
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      // Kept for who reads the history.
      Object.assign(append, { reason: error.message, at: report.ms });
      if (error.outcome === "refused") {
        Object.assign(append, { outcome: "refused", returnedAt: moment() });
        report.count("appends refused");
      } else report.count("appends of unknown fate");
      return undefined;
    }
  }

  async #read(
    home: Site["home"],
    client: number,
    key: number,
    level: ReadKind,
    more = "",
  ): Promise<{ readonly seen: readonly number[]; readonly index: number | undefined }> {
    const { moment, report } = this.#parts;
    const invokedAt = moment();
    const sql = "SELECT value FROM lists WHERE key = ? ORDER BY id";
    const { values, reply } = await rows(home, level, [sql, key], more);
    const seen = values.map(([value]) => Number(value));
    const returnedAt = moment();
    this.#operations.push({ client, key, kind: "read", level, invokedAt, returnedAt, seen });
    report.count(more === "" ? `list reads ${level}` : "list reads with min_index");
    return { seen, index: reply.index };
  }

  async #inSession({ any, random }: Site, client: number, key: number): Promise<void> {
    const session: Session = this.#sessions.get(client) ??
      { index: 0, seen: new Map(), own: new Map() };
    this.#sessions.set(client, session);
    if (random.chance(0.4)) {
      const value = this.#lastValue + 1;
      const index = await this.#append(any(), client, key);
      if (index === undefined) return;
      session.index = Math.max(session.index, index);
      session.own.set(key, [...session.own.get(key) ?? [], value]);
      return;
    }
    const more = `&min_index=${session.index}`;
    const node = any();
    const { seen, index } = await this.#read(node, client, key, "none", more);
    const { report } = this.#parts;
    const where = `${node.id} showed list ${key} to client ${client}, who had seen index ` +
      `${session.index}, as [${seen}]`;
    const before = session.seen.get(key) ?? [];
    if (before.some((value, at) => seen[at] !== value)) {
      report.violation("Sessions", `${where}, after [${before}]`);
    }
    const missing = (session.own.get(key) ?? []).filter((value) => !seen.includes(value));
    if (missing.length > 0) report.violation("Sessions", `${where}, without its own ${missing}`);
    if (index === undefined || index < session.index) {
      report.violation("Sessions", `${where}, at index ${index}`);
    }
    session.seen.set(key, seen);
    session.index = Math.max(session.index, index ?? 0);
  }

  async check(read: FinalRead): Promise<void> {
    const final = new Map<number, number[]>();
    for (const [key, value] of await read("SELECT key, value FROM lists ORDER BY id")) {
      final.set(Number(key), [...final.get(Number(key)) ?? [], Number(value)]);
    }
    try {
      checkHistory(this.#operations, final, new Set<ReadKind>(["weak", "linearizable", "strong"]));
    } catch (error) {
      this.#parts.report.violation("Lists", messageOf(error));
    }
  }

  get history(): unknown {
    return this.#operations;
  }
}
