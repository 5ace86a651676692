import type { LineSink } from "../io/stderr_logger.ts";

/** What a service manager asks of the node. */
export interface ServiceRequests {
  /** @param what Who asked, and how: a line of the log has it. */
  stop(what: string): void;
  /** Looks again at the files that may have changed. */
  reload(): void;
}

/**
 * A service manager that holds the program from within the process, as that of Windows does; systemd
 * does so through the environment.
 */
export interface ServiceHost {
  /** Where the log goes in place of standard error, which nobody reads. */
  readonly log: LineSink;
  /** Whom it asks from now on; what it asked before is asked at once. */
  onRequests(requests: ServiceRequests): void;
  ready(): void;
  stopping(): void;
}
