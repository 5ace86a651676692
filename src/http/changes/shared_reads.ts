import { BoundedMap } from "../../base/bounded_map.ts";
import type { ChangeLog, ChangePosition, ChangesRead } from "../../changes/types.ts";
import { positionText } from "./position.ts";

/** Of the change log, for one read: a moment on the main thread. */
const readBytes = 256 * 1024;
/** What was read last, for others that stand where it was read: all who are up to date stand at one place. */
const readsMax = 8;

/** Reads of a change log, each made once for all who ask for it. */
export class SharedReads {
  readonly #log: ChangeLog;
  readonly #reads = new BoundedMap<ChangesRead>(readsMax);

  constructor(log: ChangeLog) {
    this.#log = log;
  }

  /** As ChangeLog.read. */
  read(from: ChangePosition): ChangesRead {
    const name = positionText(from);
    const known = this.#reads.get(name);
    if (known !== undefined) return known;
    const read = this.#log.read(from, readBytes);
    // What holds nothing will hold something later.
    if (read.groups.length > 0) this.#reads.set(name, read);
    return read;
  }
}
