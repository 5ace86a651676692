import { DiskError } from "../../io/types.ts";
import { type Library, locationOf } from "../../sqlite/mod.ts";
import { StoreFailedError } from "../failures.ts";
import type { Holder, LifeCycle } from "../life_cycle.ts";
import { PendingRequests } from "../pending_requests.ts";
import type { RequestTo, Thread, Threads } from "../threads.ts";
import type { ImageContent, ImageLimits } from "./held_image.ts";
import type { ImageReply, ImageRequest, ImageResults, OpenedImage } from "./image_thread.ts";
import type { TemporaryFile, TemporaryFiles, TemporaryKind } from "./temporary_files.ts";

/** A multiple of every page's size. */
const pieceBytes = 0x8_0000;
/** Pieces asked for while one is on its way to the client. */
const piecesAhead = 2;

/** There is more that is not the users' than can be left out of an image: a copy must be made. */
export class NoImageError extends Error {
  override name = "NoImageError";
}

/** The database as a file, while it is read. */
export interface ReadableImage extends OpenedImage {
  /** All of it, once. */
  pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

export interface ImagesParts {
  readonly library: Library;
  /** Of the database. */
  readonly path: string;
  readonly temporaries: TemporaryFiles;
  readonly life: LifeCycle;
  readonly threads: Threads;
  readonly limits: ImageLimits;
}

/** An image as this thread has it. */
interface Held {
  readonly id: number;
  readonly rest: TemporaryFile;
  /** Whether it holds the database, so that the WAL cannot be begun anew. */
  holds: boolean;
  /** Why it can no longer be read. */
  failure: Error | undefined;
  closing: Promise<void> | undefined;
}

/**
 * Images of the database that are being read: without a copy, for those who take them fast enough
 * (`held_image.ts`). One thread reads them all, as long as there are any.
 */
export class Images implements Holder {
  readonly #parts: ImagesParts;
  readonly #images = new Map<number, Held>();
  readonly #pending = new PendingRequests<ImageRequest>();
  #thread: Thread<RequestTo<"images">> | undefined;
  #lastId = 0;

  constructor(parts: ImagesParts) {
    this.#parts = parts;
    parts.life.hold(this);
  }

  /** Whether the WAL cannot be begun anew for one of them. */
  get areHeld(): boolean {
    return [...this.#images.values()].some(({ holds }) => holds);
  }

  /**
   * Throws a StoreBusyError when there are too many of the kind, a NoImageError when there can be
   * none. Rejects with the signal's reason when it is aborted.
   */
  async open(
    kind: TemporaryKind,
    content: ImageContent,
    signal?: AbortSignal,
  ): Promise<ReadableImage> {
    signal?.throwIfAborted();
    const { path, temporaries, limits, life } = this.#parts;
    const held: Held = {
      id: ++this.#lastId,
      rest: temporaries.make(kind),
      holds: true,
      failure: undefined,
      closing: undefined,
    };
    try {
      const opened = await life.whenOpen(() => {
        this.#images.set(held.id, held);
        const options = { path, restPath: held.rest.path, content, limits };
        return this.#ask<"open">({ type: "open", image: held.id, options });
      });
      if (held.failure !== undefined) throw held.failure;
      signal?.throwIfAborted();
      return {
        ...opened,
        pieces: () => this.#pieces(held, opened.sizeBytes),
        close: () => this.#close(held),
      };
    } catch (error) {
      await this.#close(held);
      throw error;
    }
  }

  async *#pieces(held: Held, sizeBytes: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const ahead: Promise<Uint8Array<ArrayBuffer>>[] = [];
    for (let at = 0; at < sizeBytes || ahead.length > 0;) {
      if (held.failure !== undefined) throw held.failure;
      while (at < sizeBytes && ahead.length < piecesAhead) {
        const length = Math.min(pieceBytes, sizeBytes - at);
        const piece = this.#ask<"read">({ type: "read", image: held.id, offset: at, length });
        // It fails for whoever waits for it, if anybody still does.
        piece.catch(() => {});
        ahead.push(piece);
        at += length;
      }
      const piece = await ahead.shift()?.catch((error) => {
        throw held.failure ?? error;
      });
      if (held.failure !== undefined) throw held.failure;
      if (piece !== undefined) yield piece;
    }
  }

  /** Once is enough: its thread may be gone behind the answer. */
  #close(held: Held): Promise<void> {
    held.closing ??= this.#closeOnce(held);
    return held.closing;
  }

  /** The image is open as long as its thread may use it. */
  async #closeOnce(held: Held): Promise<void> {
    held.failure ??= new Error("The copy is closed");
    if (this.#images.has(held.id)) {
      await this.#ask<"close">({ type: "close", image: held.id }).catch(() => {});
      this.#images.delete(held.id);
      if (this.#images.size === 0) this.#endThread();
    }
    await held.rest.remove();
  }

  #ask<Type extends ImageRequest["type"]>(
    request: Extract<ImageRequest, { type: Type }>,
  ): Promise<ImageResults[Type]> {
    const thread = this.#thread ??= this.#start();
    return this.#pending.add(request, (id) => thread.post({ type: "request", id, request }));
  }

  #start(): Thread<RequestTo<"images">> {
    const thread = this.#parts.threads.start("images", {
      receive: (reply) => this.#receive(reply),
      died: (reason) => {
        this.#thread = undefined;
        const error = new Error(`The Worker that reads the database for copies died: ${reason}`);
        this.#fail(error);
        this.#pending.rejectAll(error);
      },
    });
    thread.post({ type: "start", library: locationOf(this.#parts.library) });
    return thread;
  }

  #receive(reply: ImageReply): void {
    switch (reply.type) {
      case "answer":
        return this.#pending.resolve(reply.id, reply.value);
      case "failed":
        return this.#pending.reject(reply.id, this.#failure(reply));
      case "let_go": {
        const held = this.#images.get(reply.image);
        if (held !== undefined) held.holds = false;
      }
    }
  }

  #failure({ message, cause }: Extract<ImageReply, { type: "failed" }>): Error {
    const { path } = this.#parts;
    switch (cause) {
      case "full":
        return new DiskError("full", path, `${path}: ${message}`);
      case "too_large":
        return new NoImageError(message);
      case "other":
        return new Error(message);
    }
  }

  #endThread(): void {
    this.#thread?.terminate();
    this.#thread = undefined;
    this.#pending.rejectAll(new Error("The copy is closed"));
  }

  /** What is read ends; the thread answers all the same, and only then lets go of it. */
  #fail(error: Error): void {
    for (const held of this.#images.values()) held.failure ??= error;
  }

  /** Images end with the file that they are of. */
  hurry(): void {
    const error = this.#parts.life.refusal ??
      new Error("Copy given up: the database was replaced by another meanwhile; ask for a new one");
    this.#fail(error);
  }

  async release(): Promise<void> {
    await Promise.all([...this.#images.values()].map((held) => this.#close(held)));
  }

  fail(error: Error): void {
    this.#fail(error);
  }

  end(): void {
    this.#fail(this.#parts.life.refusal ?? new StoreFailedError("The store is closed"));
    this.#endThread();
  }
}
