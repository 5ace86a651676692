/** A client of /db/watch, as docs/watch.md says how one is written. */

export interface WatchMessage {
  readonly index: number;
  readonly columns?: readonly string[];
  readonly types?: readonly string[];
  readonly rows?: unknown[];
  readonly changes?: readonly (readonly [number, number, unknown[]])[];
  readonly end?: true;
  readonly error?: string;
}

export class Watcher {
  readonly response: Response;
  rows: unknown[] = [];
  columns: readonly string[] = [];
  types: readonly string[] = [];
  index = 0;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #decoder = new TextDecoder();
  #rest = "";

  constructor(response: Response) {
    this.response = response;
    this.#reader = response.body?.getReader();
  }

  /** The next line, taken into the rows; undefined when the stream is over. */
  async next(): Promise<WatchMessage | undefined> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        const message: WatchMessage = JSON.parse(line);
        this.#take(message);
        return message;
      }
      const piece = await this.#reader?.read();
      if (piece === undefined || piece.done) return undefined;
      this.#rest += this.#decoder.decode(piece.value, { stream: true });
    }
  }

  #take({ index, columns, types, rows, changes = [] }: WatchMessage): void {
    this.index = index;
    if (columns !== undefined) this.columns = columns;
    if (types !== undefined) this.types = types;
    if (rows !== undefined) this.rows = rows;
    for (const [at, removed, added] of changes) this.rows.splice(at, removed, ...added);
  }

  async end(): Promise<void> {
    await this.#reader?.cancel().catch(() => {});
  }
}
