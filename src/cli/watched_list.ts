import type { Audit } from "../audit/types.ts";
import type { Clock, Logger } from "../io/types.ts";
import type { ServiceManager } from "./service_manager.ts";

interface Watch {
  /** Absent for what looks at no files itself, but follows their contents. */
  check?(): Promise<unknown>;
  /** What the files are, and where; absent for what reads none. */
  readonly what?: string;
  readonly paths?: readonly string[];
  /** Has somebody told when newer files are in force, or why they are not. */
  onReload?(listener: (failure: string | undefined) => void): void;
  /** Absent for what somebody else ends. */
  stop?(): void;
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
  readonly #audit: Audit | undefined;

  constructor(audit: Audit | undefined) {
    this.#audit = audit;
  }

  /** Has the files looked at on SIGHUP, and let go of by `stop`; returns them. */
  add<T extends Watch>(files: T): T {
    this.#files.push(files);
    const { what: kind, paths } = files;
    files.onReload?.((failure) => {
      this.#audit?.record({
        what: "reload",
        outcome: failure === undefined ? "ok" : "failed",
        details: { kind, files: paths, reason: failure },
      });
    });
    return files;
  }

  /** Looks at all of them at once. Never rejects: what is wrong with files is a line in the log. */
  async check(): Promise<void> {
    await Promise.all(this.#files.map((files) => files.check?.()));
  }

  stop(): void {
    for (const files of this.#files) files.stop?.();
  }

  /** Has SIGHUP, which would else end the program, look at the files, until the program exits. */
  onSignal(logger: Logger, manager: ServiceManager): void {
    if (Deno.build.os === "windows") return;
    Deno.addSignalListener("SIGHUP", () => {
      logger.log("INFO", "cli", "SIGHUP: looking at certificates and users");
      void manager.reload(() => this.check());
      // After the audit log has been told to go on in a new file.
      this.#audit?.record({ what: "sighup", outcome: "ok" });
    });
  }
}
