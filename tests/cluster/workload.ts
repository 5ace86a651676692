import { strict as assert } from "node:assert";
import type { Cluster, NodeProcess } from "./harness.ts";

/** A schema whose rows differ between nodes unless time, randomness and order are replicated. */
export const schema = [
  `CREATE TABLE writes (
     id INTEGER PRIMARY KEY,
     key TEXT NOT NULL,
     at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
     exact REAL NOT NULL DEFAULT (julianday('now')),
     random INTEGER NOT NULL DEFAULT (random()),
     blob BLOB NOT NULL DEFAULT (randomblob(8))
   )`,
  "CREATE TABLE journal (key TEXT, random INTEGER, at TEXT, chosen INTEGER)",
  `CREATE TRIGGER note AFTER INSERT ON writes BEGIN
     INSERT INTO journal VALUES (
       new.key, random(), strftime('%Y-%m-%d %H:%M:%f', 'now'),
       (SELECT id FROM writes ORDER BY random() LIMIT 1)
     );
   END`,
];

/** What must be equal on all nodes, row for row. */
export const comparisons = [
  "SELECT * FROM writes ORDER BY id",
  "SELECT rowid, * FROM journal ORDER BY rowid",
  "SELECT type, name, sql FROM sqlite_schema ORDER BY name",
];

/** Writers that put unique keys into a cluster, each into whichever node it likes. */
export class Workload {
  readonly acknowledged: string[] = [];
  /** Answered with an error that promises that nothing was done. */
  readonly refused: string[] = [];
  /** No answer, or one that says "unknown". */
  readonly unknown: string[] = [];
  readonly #cluster: Cluster;
  readonly #name: string;
  readonly #writers: Promise<void>[];
  #stopping = false;

  constructor(
    cluster: Cluster,
    options: {
      readonly name: string;
      readonly writers?: number;
      /** Which nodes are written to; default all. */
      readonly nodes?: readonly NodeProcess[];
    },
  ) {
    this.#cluster = cluster;
    this.#name = options.name;
    this.#writers = Array.from(
      { length: options.writers ?? 8 },
      (_, i) => this.#write(i, options.nodes),
    );
  }

  async #write(writer: number, only: readonly NodeProcess[] | undefined): Promise<void> {
    for (let n = 0; !this.#stopping; n++) {
      const nodes = (only ?? this.#cluster.nodes).filter((node) => node.running);
      const node = nodes[(n + writer) % Math.max(1, nodes.length)];
      if (node === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      await this.#writeOne(node, `${this.#name}-${writer}-${n}`);
    }
  }

  async #writeOne(node: NodeProcess, key: string): Promise<void> {
    try {
      const answer = await node.fetch("/db/execute", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify([["INSERT INTO writes (key) VALUES (?)", key]]),
      });
      const failed = answer.status !== 200 || answer.body.includes('"error"');
      if (!failed) this.acknowledged.push(key);
      else if (/unknown/i.test(answer.body)) this.unknown.push(key);
      else {
        this.refused.push(key);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } catch {
      this.unknown.push(key);
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#writers);
  }

  /**
   * Every acknowledged write is there exactly once, none that was refused is there, none is there
   * twice, and the trigger ran once for each.
   */
  async verify(): Promise<void> {
    const [rows = [], journal = []] = await this.#cluster.converged(comparisons);
    const count = new Map<unknown, number>();
    for (const [, key] of rows) count.set(key, (count.get(key) ?? 0) + 1);
    const missing = this.acknowledged.filter((key) => count.get(key) !== 1);
    assert.deepEqual(missing, [], "acknowledged writes that are not there exactly once");
    const undone = this.refused.filter((key) => count.has(key));
    assert.deepEqual(undone, [], "refused writes that are there");
    const repeated = [...count].filter(([, times]) => times > 1);
    assert.deepEqual(repeated, [], "writes that are there more than once");
    assert.equal(journal.length, rows.length, "the trigger ran once for each write");
  }
}
