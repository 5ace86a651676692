import assert from "node:assert/strict";
import type { ArchivedNode } from "../../../src/backup/archive/types.ts";
import { checksum } from "../../../src/base/checksum.ts";
import type { Prng } from "../../../src/base/prng.ts";
import type { Entry } from "../../../src/raft/types.ts";
import type { ApplyEntry } from "../../../src/store/types.ts";
import { Entries, sqlite3 } from "../../store/fixture.ts";
import { requestsOf } from "../../store/random_entries.ts";

/** A cluster as its members see it: one log, of which each has a part. */
export class History {
  readonly entries: Entry[] = [];
  term = 1;
}

/** A member that may take itself for the leader, and knows of the log so much. */
export class Member implements ArchivedNode {
  leads = true;
  readonly clusterId = "00000000000000aa";
  readonly term: number;
  firstLogIndex = 1;
  kept = 0;
  readonly #history: History;
  /** What it knew of the log when another came to lead; undefined while it leads. */
  #knew: number | undefined;

  constructor(history: History) {
    this.#history = history;
    this.term = ++history.term;
  }

  /** Another leads now, of which this one does not hear. */
  depose(): void {
    this.#knew = this.#history.entries.length;
  }

  get appliedIndex(): number {
    return this.#knew ?? this.#history.entries.length;
  }

  confirm(): Promise<void> {
    return this.#knew === undefined
      ? Promise.resolve()
      : Promise.reject(new Error("No majority answers"));
  }

  changedSince(): Promise<boolean> {
    return Promise.resolve(true);
  }

  termAt(index: number): number | undefined {
    return index < this.firstLogIndex - 1 ? undefined : this.#history.entries[index - 1]?.term;
  }

  readLog(from: number, to: number, bytesMax: number): Promise<Entry[]> {
    assert.ok(from >= this.firstLogIndex && to <= this.appliedIndex);
    const found: Entry[] = [];
    let bytes = 0;
    for (const entry of this.#history.entries.slice(from - 1, to)) {
      bytes += entry.data.length;
      if (found.length > 0 && bytes > Math.min(bytesMax, 3000)) break;
      found.push(entry);
    }
    return Promise.resolve(found);
  }

  keepLogBehind(index: number): void {
    this.kept = index;
  }

  /** Drops what it may of its log. */
  compact(): void {
    this.firstLogIndex = Math.max(this.firstLogIndex, this.kept + 1);
  }
}

async function fileToLoad(random: Prng): Promise<Uint8Array> {
  const path = await Deno.makeTempFile({ prefix: "raftlite-test-" });
  try {
    const more = `CREATE TABLE loaded (v); INSERT INTO loaded VALUES (${random.below(1000)})`;
    assert.equal(sqlite3(path, more), "");
    return await Deno.readFile(path);
  } finally {
    await Deno.remove(path);
  }
}

/** Requests, empty entries, changes of members and loads of files, as entries. */
export async function* randomEntries(random: Prng): AsyncGenerator<ApplyEntry[]> {
  const entries = new Entries(true);
  for (const { statements, transaction, unified } of requestsOf(random, 50, true)) {
    yield [entries.execute(statements, { transaction, unified })];
    if (random.chance(0.1)) yield [entries.noop()];
    if (random.chance(0.1)) yield [entries.configuration(1 + random.below(5))];
    if (!random.chance(0.02)) continue;
    const bytes = await fileToLoad(random);
    const load = { loadId: random.uint64(), request: undefined };
    yield [
      entries.command({ type: "load_chunk", offset: 0, bytes, ...load }),
      entries.command({
        type: "load_commit",
        size: bytes.length,
        checksum: checksum(bytes),
        ...load,
      }),
    ];
  }
}
