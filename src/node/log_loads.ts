import type { RaftLog } from "../raft_log/types.ts";
import type { Raft } from "../raft/raft.ts";
import type { Entry, LoadRequest } from "../raft/types.ts";

export interface LogLoadsParts {
  readonly raft: Pick<Raft, "loaded">;
  readonly log: Pick<RaftLog, "firstIndex" | "lastIndex" | "read">;
  /** The core was told something: there may be something to do. */
  readonly due: () => void;
  /** The log cannot be read. */
  readonly failed: (error: Error) => void;
}

/** Reads from the log on disk what the core wants to send and holds in memory no more. */
export class LogLoads {
  readonly #parts: LogLoadsParts;

  constructor(parts: LogLoadsParts) {
    this.#parts = parts;
  }

  /** Hands entries to the core; none when they are, or meanwhile were, compacted away. */
  load({ to, from, bytesMax }: LoadRequest): void {
    const { raft, log, due, failed } = this.#parts;
    const done = (entries: readonly Entry[]) => {
      raft.loaded(to, entries);
      due();
    };
    if (from < log.firstIndex) {
      done([]);
      return;
    }
    log.read(from, log.lastIndex, bytesMax).then(done).catch((error) => {
      if (from < log.firstIndex) done([]);
      else failed(error);
    });
  }
}
