import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "../io/types.ts";
import type { KnownCaller } from "./known_caller.ts";
import type { UsersEpoch } from "./users_epoch.ts";

/** Headers that are remembered at least, of those that came lately; there are twice as many at most. */
const headersMin = 1_000;

/** This thread's alone: what is kept of headers is worth nothing to anybody else. */
const key = randomBytes(32);

/**
 * Whom a thread may let in, as another has told it: by what each sends for an Authorization header,
 * of which it keeps a keyed hash. All is void once users have changed.
 */
export class CallerMemory {
  readonly #epoch: UsersEpoch;
  readonly #clock: Pick<Clock, "wallTime">;
  /** Of the users that there were then. */
  #of = 0;
  #young = new Map<string, KnownCaller>();
  #old = new Map<string, KnownCaller>();

  constructor(epoch: UsersEpoch, clock: Pick<Clock, "wallTime">) {
    this.#epoch = epoch;
    this.#clock = clock;
  }

  /** Undefined where another is to say. */
  get(authorization: string | null): KnownCaller | undefined {
    this.#forgetOthers();
    const hash = hashOf(authorization);
    let caller = this.#young.get(hash);
    if (caller === undefined) {
      caller = this.#old.get(hash);
      if (caller === undefined) return undefined;
      this.#keep(hash, caller);
    }
    const { endsAtMs } = caller;
    return endsAtMs === undefined || endsAtMs > this.#clock.wallTime() ? caller : undefined;
  }

  /** What was told may be of users that are no more. */
  remember(authorization: string | null, caller: KnownCaller): void {
    this.#forgetOthers();
    if (caller.epoch === this.#of) this.#keep(hashOf(authorization), caller);
  }

  #forgetOthers(): void {
    const { now } = this.#epoch;
    if (now === this.#of) return;
    this.#of = now;
    this.#young.clear();
    this.#old.clear();
  }

  #keep(hash: string, caller: KnownCaller): void {
    if (this.#young.size >= headersMin) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(hash, caller);
  }
}

function hashOf(authorization: string | null): string {
  // An empty one says as little as none.
  return createHash("sha256").update(key).update(authorization ?? "").digest("base64");
}
