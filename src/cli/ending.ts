import type { StderrLogger } from "../io/stderr_logger.ts";

/**
 * A signal this soon after the first is its echo, in ms: at a terminal Ctrl-C reaches every program
 * of the group, and `deno task`, which is one of them, hands it on.
 */
const echoMs = 1_000;

/** How long the log's last line may take when the stop is cut short, in ms. */
const lastLineMs = 200;

/**
 * Why and when the program ends: a signal, a removal, or a failure. What fails is either input, which
 * is refused with a line that names who sent it and why, or state, without which nothing may be
 * promised any more. Only the latter ends a node:
 *
 * | what | then |
 * | --- | --- |
 * | bytes on the Raft port that are no frame, message, request or stream (transport/README.md) | the connection is closed |
 * | a Raft message that no sound server can have sent (raft/implausible.ts), or with entries of a newer version | passed over, as if lost |
 * | a request, or the answer of another node, that does not decode | refused; a write's outcome is unknown |
 * | a command from another node that is none | refused by the leader; found later, an error on every node |
 * | a snapshot whose header, content or position is not right, or that this version cannot use | refused before anything is marked or exchanged |
 * | no room on the disk | writes wait, or are refused |
 * | HTTP, SQL, flags of a request | an error for who asked |
 * | data that do not belong together, or that only another version can read, at the start | no start: RecoveryError, LogDamageError, OtherFormatError, StartError |
 * | nobody lets the node into a cluster | the end: JoinError |
 * | a write or sync of the log fails, for another reason than room | the end: what was promised may not be there |
 * | the log, read for apply or for a follower, is damaged | the end: damage must not spread |
 * | an entry's checksum is wrong when it is applied, or a newer version wrote it | the end: what follows would be applied to another state |
 * | SQLite fails to write, by the disk or by the file; a Worker dies; the exchange of the database fails | the end, and the log has what is not applied |
 * | an invariant of the core or the node does not hold (InvariantError, or anything unforeseen there) | the end: a mistake of this program must not be built on |
 */
export class Ending {
  readonly #asked = Promise.withResolvers<string>();
  #failure: Error | undefined;

  get asked(): Promise<string> {
    return this.#asked.promise;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  ask(reason: string): void {
    this.#asked.resolve(reason);
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.ask(error.message);
  }

  /**
   * SIGINT, SIGTERM and their kin ask for the end; another, when it is no echo, cuts it short. They are listened
   * to until the program exits: an echo must not kill it at its last step.
   */
  onSignals(logger: StderrLogger): void {
    // Those of Windows: Ctrl-C, Ctrl-Break, and the console being closed, which leaves five seconds.
    const signals: Deno.Signal[] = Deno.build.os === "windows"
      ? ["SIGINT", "SIGBREAK", "SIGHUP"]
      : ["SIGINT", "SIGTERM"];
    let askedAt: number | undefined;
    for (const signal of signals) {
      Deno.addSignalListener(signal, () => {
        if (askedAt === undefined) {
          askedAt = performance.now();
          this.ask(signal);
        } else if (performance.now() - askedAt > echoMs) {
          logger.log("WARN", "cli", `Stopping at once: second ${signal}`);
          setTimeout(() => Deno.exit(1), lastLineMs);
          logger.flush().then(() => Deno.exit(1));
        }
      });
    }
  }
}
