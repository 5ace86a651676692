import { Buffer } from "node:buffer";
import { BoundedMap } from "../../base/bounded_map.ts";
import { ProtocolError } from "./errors.ts";
import { Stream } from "./stream.ts";

/**
 * Streams of one node that have something to lose, and those that have not. Not more than half of the
 * first have a transaction that is open still: beyond, the one that rests for longest is given up.
 */
const statefulMax = 2048;
/** Characters of SQL that the same streams keep for their clients, beyond which it is the same. */
const storedCharactersMax = 32 * 1024 * 1024;
const restingMax = 10_000;
/** How long a stream that has something to lose is kept without a request, in ms. */
const keptMs = 10_000;
/** Batons of which it is remembered what became of them. */
const rememberedMax = 4096;
/** How often streams are looked through for those whose time is over, in ms. */
const sweepMs = 1_000;

/**
 * Names a stream, for its next request only: at which node it is, and 144 bits that nobody can
 * guess. One that is given while the stream has nothing to lose (`f`) is good for ever: where that
 * stream is forgotten, another is as good.
 */
export interface Baton {
  readonly isFree: boolean;
  readonly secret: string;
  /** The node's name. */
  readonly node: string;
}

const form = /^([fs])\.([\w-]{24})\.([^.]+)$/;

/** What a baton says; throws a ProtocolError for what is none. */
export function readBaton(baton: string): Baton {
  const [, kind, secret = "", node = ""] = form.exec(baton) ?? [];
  if (kind === undefined) throw new ProtocolError("Received an invalid baton");
  try {
    return { isFree: kind === "f", secret, node: decodeURIComponent(node) };
  } catch {
    throw new ProtocolError("Received an invalid baton");
  }
}

/** The streams of one node that wait for their next requests, by the batons that those must bring. */
export class Streams {
  readonly #node: string;
  readonly #ended: (stream: Stream) => void;
  readonly #now: () => number;
  readonly #stateful = new Map<string, Stream>();
  readonly #resting = new Map<string, Stream>();
  /** Of all SQL that `#stateful` keep, of which each keeps the same while it waits. */
  #storedCharacters = 0;
  /** Why batons are good for nothing any more. */
  readonly #over = new BoundedMap<"used" | "expired">(rememberedMax);
  #sweptAt = 0;

  /**
   * @param ended Called with a stream that was forgotten with something to lose.
   * @param now In ms, by a clock that only goes on.
   */
  constructor(
    node: string,
    ended: (stream: Stream) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#node = node;
    this.#ended = ended;
    this.#now = now;
  }

  open(user: string): Stream {
    return new Stream(user, this.#now);
  }

  get size(): number {
    return this.#stateful.size + this.#resting.size;
  }

  /** The stream of a baton, which is used with that. Throws a ProtocolError. */
  take({ secret, isFree }: Baton, user: string): Stream {
    this.#sweep();
    const stream = this.#stateful.get(secret) ?? this.#resting.get(secret);
    if (stream?.user === user) {
      this.#remove(secret, stream);
      this.#resting.delete(secret);
      this.#over.set(secret, "used");
      return stream;
    }
    if (isFree && stream === undefined) return this.open(user);
    const why = stream === undefined ? this.#over.get(secret) : undefined;
    if (why === "used") throw new ProtocolError("Received a baton that has already been used");
    if (why === "expired") {
      const message = "The stream has expired due to inactivity";
      throw new ProtocolError(message, "STREAM_EXPIRED");
    }
    throw new ProtocolError(
      "The stream is not here: it has expired long ago, or its node has started anew; what it had " +
        "open is rolled back",
      "STREAM_EXPIRED",
    );
  }

  /** Keeps a stream for its next request; returns that one's baton. `hasState`: or will have. */
  keep(stream: Stream, hasState = stream.hasState): string {
    const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString("base64url");
    if (hasState) this.#keepStateful(secret, stream);
    else this.#rest(secret, stream);
    return `${hasState ? "s" : "f"}.${secret}.${
      encodeURIComponent(this.#node).replaceAll(".", "%2E")
    }`;
  }

  #keepStateful(secret: string, stream: Stream): void {
    this.#sweep();
    this.#stateful.set(secret, stream);
    this.#storedCharacters += stream.stored.characters;
    for (const oldest of this.#stateful) {
      const isTooMuch = this.#stateful.size > statefulMax ||
        this.#storedCharacters > storedCharactersMax;
      if (!isTooMuch) break;
      this.#expire(...oldest);
    }
  }

  #remove(secret: string, stream: Stream): void {
    if (this.#stateful.delete(secret)) this.#storedCharacters -= stream.stored.characters;
  }

  #expire(secret: string, stream: Stream): void {
    this.#remove(secret, stream);
    this.#over.set(secret, "expired");
    this.#ended(stream);
  }

  #rest(secret: string, stream: Stream): void {
    this.#resting.set(secret, stream);
    const [oldest] = this.#resting.size > restingMax ? this.#resting.keys() : [];
    if (oldest !== undefined) this.#resting.delete(oldest);
  }

  #sweep(): void {
    const now = this.#now();
    if (now - this.#sweptAt < sweepMs) return;
    this.#sweptAt = now;
    for (const [secret, stream] of this.#stateful) {
      if (now - (stream.idleSince ?? now) < keptMs) continue;
      if (stream.hasState) this.#expire(secret, stream);
      else {
        this.#remove(secret, stream);
        this.#rest(secret, stream);
      }
    }
  }
}
