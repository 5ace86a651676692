import type { Clock, Logger } from "../io/types.ts";

interface Watch {
  /** Absent for what looks at no files itself, but follows their contents. */
  check?(): Promise<unknown>;
  stop(): void;
}

/** What files that may change are opened with. */
export interface WatchParts {
  readonly watched: WatchedList;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** All files that are read again while the node runs: certificates, users. SIGHUP has each looked at. */
export class WatchedList {
  readonly #files: Watch[] = [];

  /** Has the files looked at on SIGHUP, and let go of by `stop`; returns them. */
  add<T extends Watch>(files: T): T {
    this.#files.push(files);
    return files;
  }

  /** Looks at all of them at once. Never rejects: what is wrong with files is a line in the log. */
  async check(): Promise<void> {
    await Promise.all(this.#files.map((files) => files.check?.()));
  }

  stop(): void {
    for (const files of this.#files) files.stop();
  }

  /** Has SIGHUP, which would else end the program, look at the files, until the program exits. */
  onSignal(logger: Logger): void {
    if (Deno.build.os === "windows") return;
    Deno.addSignalListener("SIGHUP", () => {
      logger.log("INFO", "cli", "SIGHUP: looking at certificates and users");
      void this.check();
    });
  }
}
