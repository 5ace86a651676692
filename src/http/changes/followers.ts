import type { ChangeLog } from "../../changes/types.ts";
import { StreamReaders } from "../streams/stream_readers.ts";
import { SharedReads } from "./shared_reads.ts";

/** Everybody who follows the changes at this node. */
export class Followers extends StreamReaders {
  readonly reads: SharedReads;

  constructor(log: ChangeLog) {
    super();
    this.reads = new SharedReads(log);
  }
}
