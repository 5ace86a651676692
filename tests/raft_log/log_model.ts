import assert from "node:assert/strict";
import { checksum } from "../../src/base/checksum.ts";
import type { CompactionPoint, Entry, HardState } from "../../src/raft/types.ts";
import type { LogWrite } from "../../src/raft_log/types.ts";
import type { LogImage } from "./fixtures.ts";

/** One call of the log. */
export type Operation =
  | { readonly type: "append"; readonly write: LogWrite }
  | { readonly type: "compact"; readonly point: CompactionPoint }
  | { readonly type: "reset"; readonly point: CompactionPoint };

export const emptyImage: LogImage = {
  hardState: { term: 0, votedFor: "", promiseMs: 0 },
  compaction: { index: 0, term: 0, configuration: { members: [] } },
  lastIndex: 0,
  entries: [],
};

function imageOf(
  hardState: HardState,
  compaction: CompactionPoint,
  entries: readonly Entry[],
): LogImage {
  return { hardState, compaction, entries, lastIndex: compaction.index + entries.length };
}

/** What a log holds after an operation: the whole specification. */
export function after(image: LogImage, operation: Operation): LogImage {
  const { hardState, compaction, entries } = image;
  if (operation.type === "reset") return imageOf(hardState, operation.point, []);
  if (operation.type === "compact") {
    const { point } = operation;
    if (point.index <= compaction.index) return image;
    return imageOf(hardState, point, entries.filter(({ index }) => index > point.index));
  }
  const { write } = operation;
  const first = write.entries[0]?.index ?? Infinity;
  const kept = entries.filter(({ index }) => index < first);
  return imageOf(write.hardState ?? hardState, compaction, [...kept, ...write.entries]);
}

function sameEntry(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.index === b.index && a.term === b.term && a.type === b.type &&
    a.checksum === b.checksum && checksum(a.data) === checksum(b.data);
}

function sameImage(a: LogImage, b: LogImage): boolean {
  return a.lastIndex === b.lastIndex && a.hardState.term === b.hardState.term &&
    a.hardState.votedFor === b.hardState.votedFor &&
    a.hardState.promiseMs === b.hardState.promiseMs && a.compaction.index === b.compaction.index &&
    a.compaction.term === b.compaction.term && a.entries.length === b.entries.length &&
    a.entries.every((entry, i) => sameEntry(entry, b.entries[i]));
}

/**
 * What a log may hold: what was acknowledged, and then any number of the operations that were not,
 * in their order; but a compaction passes what waits for room.
 */
export class LogModel {
  acknowledged: LogImage = emptyImage;
  /** Not acknowledged; they may or may not be there. */
  #open: Operation[] = [];
  /**
   * Refused for want of room: each, and those refused with it, may be there all the same, until
   * something is acknowledged after them.
   */
  #refused: Operation[] = [];

  /** What the log will hold when all goes well. */
  get intended(): LogImage {
    return this.#open.reduce(after, this.acknowledged);
  }

  begin(operation: Operation): void {
    this.#open.push(operation);
  }

  acknowledge(operation: Operation): void {
    const position = this.#open.indexOf(operation);
    assert(position === 0 || operation.type === "compact", "acknowledged out of order");
    this.#open.splice(position, 1);
    this.acknowledged = after(this.acknowledged, operation);
    this.#refused = [];
  }

  refuse(operation: Operation): void {
    this.#open = this.#open.filter((open) => open !== operation);
    this.#refused.push(operation);
  }

  /** What is open as called, and with each number of its compactions passed to the front. */
  #compactedFirst(): Operation[][] {
    const compactions = this.#open.filter(({ type }) => type === "compact");
    return [0, ...compactions.map((_, i) => i + 1)].map((count) => {
      const passed = compactions.slice(0, count);
      return [...passed, ...this.#open.filter((operation) => !passed.includes(operation))];
    });
  }

  /** Checks what was found after a crash, and takes it for what there is. */
  recover(found: LogImage): void {
    const branches = [
      ...this.#compactedFirst(),
      ...this.#refused.map((_, i) => this.#refused.slice(i)),
    ];
    const candidates = [this.acknowledged];
    for (const branch of branches) {
      let image = this.acknowledged;
      for (const operation of branch) {
        image = after(image, operation);
        candidates.push(image);
      }
    }
    if (!candidates.some((candidate) => sameImage(candidate, found))) {
      assert.deepEqual(found, this.acknowledged, "neither what was acknowledged nor more of it");
    }
    this.acknowledged = found;
    this.#open = [];
    this.#refused = [];
  }
}
