import { isDenoFrom } from "../base/deno_version.ts";

/** How often requests under way are looked at, in ms. */
const sweepMs = 50;

/**
 * Whether a signal that is first asked for when its client has gone already still says so: Deno 2.4
 * does not, 2.9 does (seen).
 */
const tellsLate = isDenoFrom([2, 9]);

/**
 * Aborts reads whose client went away. Asking Deno for a request's own signal more than halves the
 * requests a second that it serves (measured), and where it is compiled it aborts each at its end
 * (`findings/deno_no_legacy_abort.sh`), so that only requests that last are asked for theirs, and those
 * that are over at once are not watched at all.
 */
export class DisconnectWatch {
  readonly #late: boolean;
  /** Started since the last sweep, and before it. */
  #young = new Map<AbortController, Request>();
  #old = new Map<AbortController, Request>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param late Whether a signal may be asked for late: this Deno's way, unless a test says otherwise. */
  constructor(late = tellsLate) {
    this.#late = late;
  }

  /** Watches for the client of `request` once asked for a signal, until it is disposed of. */
  over(request: Request): WatchedClient {
    return new WatchedClient(request, this, this.#late);
  }

  begin(controller: AbortController, request: Request): void {
    this.#young.set(controller, request);
    this.#timer ??= setTimeout(() => this.#sweep(), sweepMs);
  }

  end(controller: AbortController): void {
    this.#young.delete(controller);
    this.#old.delete(controller);
  }

  #sweep(): void {
    for (const [controller, { signal }] of this.#old) {
      if (signal.aborted) controller.abort(signal.reason);
      else signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
    }
    this.#old = this.#young;
    this.#young = new Map();
    this.#timer = this.#old.size === 0 ? undefined : setTimeout(() => this.#sweep(), sweepMs);
  }
}

/** The client of one request. */
export class WatchedClient implements Disposable {
  readonly #request: Request;
  readonly #watch: DisconnectWatch;
  readonly #late: boolean;
  #own: AbortSignal | undefined;
  #controller: AbortController | undefined;

  constructor(request: Request, watch: DisconnectWatch, late: boolean) {
    this.#request = request;
    this.#watch = watch;
    this.#late = late;
  }

  /**
   * What is done for the client is not over at once. To be called in the turn in which that begins:
   * where a signal must be asked for early, this is early enough, as nothing is heard of the client
   * within a turn.
   */
  lasts(): void {
    if (!this.#late) this.#own ??= this.#request.signal;
  }

  /** Aborted once the client has gone, or was taken for gone. */
  readonly signal = (): AbortSignal => this.#begun().signal;

  /** Takes the client for gone. */
  abort(reason: Error): void {
    this.#begun().abort(reason);
  }

  #begun(): AbortController {
    if (this.#controller !== undefined) return this.#controller;
    this.lasts();
    const controller = this.#controller = new AbortController();
    const own = this.#own;
    if (own === undefined) this.#watch.begin(controller, this.#request);
    else if (own.aborted) controller.abort(own.reason);
    else own.addEventListener("abort", () => controller.abort(own.reason), { once: true });
    return controller;
  }

  [Symbol.dispose](): void {
    if (this.#controller !== undefined) this.#watch.end(this.#controller);
  }
}
