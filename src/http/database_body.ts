import type { AppState } from "./app_state.ts";
import { ArrivingBody } from "./arriving_body.ts";
import { gatherRest } from "./request_body.ts";

/** What a SQLite file begins with: https://www.sqlite.org/fileformat.html#the_database_header */
const sqliteHeader = new TextEncoder().encode("SQLite format");
/** Fewer bytes than this are no SQLite file for rqlite's /boot. */
const headerBytes = 32;

/** A body that is a whole database, of which the first bytes have been read to see in what form. */
export class DatabaseBody {
  readonly #app: AppState;
  readonly #arriving: ArrivingBody;
  readonly #first: readonly Uint8Array[];
  /** Whether it ends before it could be a SQLite file. */
  readonly isShort: boolean;
  /** It begins as a SQLite file does. */
  readonly isSqlite: boolean;

  private constructor(
    app: AppState,
    arriving: ArrivingBody,
    first: readonly Uint8Array[],
  ) {
    this.#app = app;
    this.#arriving = arriving;
    this.#first = first;
    const start = first.flatMap((chunk) => [...chunk.subarray(0, headerBytes)]);
    this.isShort = start.length < headerBytes;
    this.isSqlite = start.length > sqliteHeader.length &&
      sqliteHeader.every((byte, i) => start[i] === byte);
  }

  /** Throws a BrokenBodyError. */
  static async begin(app: AppState, request: Request): Promise<DatabaseBody> {
    const stream = request.body ?? new Blob().stream();
    const arriving = new ArrivingBody(stream, app.limits.bodyPauseMsMax);
    const first: Uint8Array[] = [];
    try {
      for (let length = 0; length < headerBytes;) {
        const { value, done } = await arriving.read();
        if (done) break;
        first.push(value);
        length += value.length;
      }
    } catch (error) {
      await arriving.cancel();
      throw error;
    }
    return new DatabaseBody(app, arriving, first);
  }

  /** All of it as it comes, of any size. */
  whole(): ReadableStream<Uint8Array> {
    const first = this.#first.values();
    const arriving = this.#arriving;
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value, done } = first.next();
        if (!done) return controller.enqueue(value);
        try {
          const piece = await arriving.read();
          if (!piece.done) return controller.enqueue(piece.value);
        } catch (error) {
          await arriving.cancel();
          throw error;
        }
        await arriving.cancel();
        controller.close();
      },
      cancel: () => arriving.cancel(),
    }, { highWaterMark: 0 });
  }

  /** All of it in one piece, within the limit for loads and the budget; throws as `readBody` does. */
  text(): Promise<Uint8Array> {
    const bytesMax = this.#app.limits.loadTextBytesMax;
    return gatherRest(this.#app, { arriving: this.#arriving, first: this.#first, bytesMax });
  }

  /** Reads no more of it. */
  async cancel(): Promise<void> {
    await this.#arriving.cancel();
  }
}
