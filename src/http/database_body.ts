import type { AppState } from "./app_state.ts";
import { gatherRest, readChunk } from "./request_body.ts";

/** What a SQLite file begins with: https://www.sqlite.org/fileformat.html#the_database_header */
const sqliteHeader = new TextEncoder().encode("SQLite format");
/** Fewer bytes than this are no SQLite file for rqlite's /boot. */
const headerBytes = 32;

/** A body that is a whole database, of which the first bytes have been read to see in what form. */
export class DatabaseBody {
  readonly #app: AppState;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #first: readonly Uint8Array[];
  /** Whether it ends before it could be a SQLite file. */
  readonly isShort: boolean;
  /** It begins as a SQLite file does. */
  readonly isSqlite: boolean;

  private constructor(
    app: AppState,
    reader: ReadableStreamDefaultReader<Uint8Array>,
    first: readonly Uint8Array[],
  ) {
    this.#app = app;
    this.#reader = reader;
    this.#first = first;
    const start = first.flatMap((chunk) => [...chunk.subarray(0, headerBytes)]);
    this.isShort = start.length < headerBytes;
    this.isSqlite = start.length > sqliteHeader.length &&
      sqliteHeader.every((byte, i) => start[i] === byte);
  }

  /** Throws a BrokenBodyError. */
  static async begin(app: AppState, request: Request): Promise<DatabaseBody> {
    const reader = (request.body ?? new Blob().stream()).getReader();
    const first: Uint8Array[] = [];
    for (let length = 0; length < headerBytes;) {
      const { value, done } = await readChunk(reader);
      if (done) break;
      first.push(value);
      length += value.length;
    }
    return new DatabaseBody(app, reader, first);
  }

  /** All of it as it comes, of any size. */
  whole(): ReadableStream<Uint8Array> {
    return ReadableStream.from(rest(this.#first, this.#reader));
  }

  /** All of it in one piece, within the limit for loads and the budget; throws as `readBody` does. */
  text(): Promise<Uint8Array> {
    const bytesMax = this.#app.limits.loadTextBytesMax;
    return gatherRest(this.#app, { reader: this.#reader, first: this.#first, bytesMax });
  }

  /** Reads no more of it. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}

async function* rest(
  first: readonly Uint8Array[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* first;
    for (;;) {
      const { value, done } = await readChunk(reader);
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
