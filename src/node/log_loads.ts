import type { RaftLog } from "../raft_log/types.ts";
import type { Raft } from "../raft/raft.ts";
import type { Entry, LoadRequest } from "../raft/types.ts";

/** Reads from the log on disk what the core wants to send and holds in memory no more. */
export class LogLoads {
  readonly #raft: Pick<Raft, "loaded">;
  readonly #log: RaftLog;
  readonly #due: () => void;
  readonly #failed: (error: Error) => void;

  /** `due`: the core was told something; `failed`: the log cannot be read. */
  constructor(
    raft: Pick<Raft, "loaded">,
    log: RaftLog,
    due: () => void,
    failed: (error: Error) => void,
  ) {
    this.#raft = raft;
    this.#log = log;
    this.#due = due;
    this.#failed = failed;
  }

  /** Hands entries to the core; none when they are, or meanwhile were, compacted away. */
  load({ to, from, bytesMax }: LoadRequest): void {
    const done = (entries: readonly Entry[]) => {
      this.#raft.loaded(to, entries);
      this.#due();
    };
    if (from < this.#log.firstIndex) {
      done([]);
      return;
    }
    this.#log.read(from, this.#log.lastIndex, bytesMax).then(done).catch((error) => {
      if (from < this.#log.firstIndex) done([]);
      else this.#failed(error);
    });
  }
}
