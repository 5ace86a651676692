import type { Requester } from "../access/types.ts";
import { RingMap } from "../base/ring_map.ts";
import type { Withdrawal } from "../cluster/withdrawal.ts";
import type { Statements } from "../store/types.ts";
import type { WatchedClient } from "./disconnect_watch.ts";
import { RequestError } from "./request_error.ts";

/** How a request is ended: a write by being taken back, a read as if its client had gone. */
export type RequestEnd = { readonly write: Withdrawal } | { readonly read: WatchedClient };

/** What is known of a request when its statements are carried out. */
export interface RunningWork {
  readonly request: Pick<Request, "url">;
  readonly requester: Requester;
  readonly statements: Statements;
}

/** A request whose statements are carried out, or wait for that. */
export class RunningRequest implements Disposable {
  readonly id: number;
  readonly work: RunningWork;
  /** By `performance.now()`. */
  readonly since = performance.now();
  readonly #end: RequestEnd;
  readonly #running: RingMap<RunningRequest>;
  #ended: PromiseWithResolvers<never> | undefined;
  #streams = false;

  /** @param running Where it is listed until it is over. */
  constructor(
    id: number,
    work: RunningWork,
    end: RequestEnd,
    running: RingMap<RunningRequest>,
  ) {
    this.id = id;
    this.work = work;
    this.#end = end;
    this.#running = running;
    running.set(id, this);
  }

  get state(): "waiting" | "proposed" | "reading" | "streaming" {
    if ("write" in this.#end) return this.#end.write.isProposed ? "proposed" : "waiting";
    return this.#streams ? "streaming" : "reading";
  }

  /** What `work` comes to; once the request is ended it rejects at once, wherever it was. */
  orEnded<Result>(work: Promise<Result>): Promise<Result> {
    this.#ended = Promise.withResolvers();
    return Promise.race([work, this.#ended.promise]);
  }

  /** The answer comes as a stream, and the request goes on until its end. */
  streaming(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    this.#streams = true;
    return ReadableStream.from(this.#untilOver(stream));
  }

  async *#untilOver(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* stream;
    } finally {
      this.#over();
    }
  }

  /** Ends it before its time; false when it cannot be any more. */
  end(): boolean {
    const error = new RequestError(500, `ended by DELETE /debug/requests/${this.id}`);
    if ("read" in this.#end) this.#end.read.abort(error);
    else if (!this.#end.write.withdraw(error)) return false;
    this.#ended?.reject(error);
    return true;
  }

  [Symbol.dispose](): void {
    if (!this.#streams) this.#over();
  }

  #over(): void {
    this.#running.take(this.id);
  }
}

/** What a node carries out for its own clients now; a read that is over in a moment is never seen. */
export class RunningRequests {
  readonly #running = new RingMap<RunningRequest>();
  #lastId = 0;

  begin(work: RunningWork, end: RequestEnd): RunningRequest {
    return new RunningRequest(++this.#lastId, work, end, this.#running);
  }

  get(id: number): RunningRequest | undefined {
    return this.#running.get(id);
  }

  /** The oldest first. */
  get all(): RunningRequest[] {
    return Array.from(this.#running, ([, request]) => request).sort((a, b) => a.id - b.id);
  }
}
