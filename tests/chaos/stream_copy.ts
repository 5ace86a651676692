import { Buffer } from "node:buffer";
import type { NodeProcess } from "../cluster/harness.ts";
import {
  type Cell,
  cells,
  ExactNumber,
  keyOf,
  parseExactly,
  readTables,
  type Row,
  rowText,
  type Table,
  type Tables,
} from "./copied_rows.ts";
import type { Report } from "./report.ts";
import { RequestFailed } from "./request.ts";

/** Without a word for so long a follower takes its stream for broken: a heartbeat comes every 10 s. */
const silenceMs = 15_000;

interface Change {
  readonly op: "insert" | "update" | "delete" | "read_again";
  readonly table: string;
  readonly reason?: string;
  readonly old_row_id?: ExactNumber;
  readonly new_row_id?: ExactNumber;
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
}

interface Piece {
  readonly next: string;
  readonly index?: ExactNumber;
  readonly first?: ExactNumber;
  readonly complete?: boolean;
  readonly tables?: Readonly<
    Record<
      string,
      {
        readonly row_ids: boolean;
        readonly columns: readonly { readonly name: string; readonly primary_key?: ExactNumber }[];
      }
    >
  >;
  readonly changes?: readonly Change[];
  readonly error?: string;
}

/** A database that is made of /db/changes alone, at whichever node answers. */
export class StreamCopy {
  readonly name: string;
  readonly #report: Report;
  readonly #nodes: () => NodeProcess | undefined;
  #tables: Tables = new Map();
  /** Where to go on; undefined: everything is to be read again. */
  #next: string | undefined = "1";
  /** Changes up to this index may be in the copy already. */
  #alreadyUpTo = 0;
  /** What comes next within an entry of which more is to come, and the last entry of which all is here. */
  #open: { readonly index: number; readonly count: number } | undefined;
  #last = 0;
  readonly #texts = new Map<number, string>();
  #ended = false;
  #abort = new AbortController();
  readonly #life: Promise<void>;

  constructor(name: string, report: Report, nodes: () => NodeProcess | undefined) {
    this.name = name;
    this.#report = report;
    this.#nodes = nodes;
    this.#life = this.#live();
  }

  get tables(): Tables {
    return this.#tables;
  }

  /** The last entry of which it has all changes for sure; of later ones it may have some. */
  get index(): number {
    return this.#next === undefined ? 0 : this.#last;
  }

  /** What was told of each entry. */
  get texts(): ReadonlyMap<number, string> {
    return this.#texts;
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#abort.abort();
    await this.#life;
  }

  async #live(): Promise<void> {
    while (!this.#ended) {
      const node = this.#nodes();
      try {
        if (node === undefined) throw new RequestFailed("No node runs", "refused");
        if (this.#next === undefined) await this.#readAgain(node);
        else await this.#follow(node, this.#next);
      } catch (error) {
        if (error instanceof CopyFailed) {
          this.#report.violation("Copy by the stream", `${this.name}: ${error.message}`);
          return;
        }
        this.#report.count("streams that broke");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async #readAgain(node: NodeProcess): Promise<void> {
    const { tables, seen, latest } = await readTables(node, "linearizable");
    this.#tables = tables;
    this.#alreadyUpTo = latest;
    this.#next = String(seen + 1);
    // Of an entry that it had a part of the rest is not told any more.
    if (this.#open !== undefined) this.#texts.delete(this.#open.index);
    this.#open = undefined;
    this.#last = seen;
    this.#report.count("tables read again");
  }

  async #follow(node: NodeProcess, from: string): Promise<void> {
    this.#abort = new AbortController();
    if (this.#ended) return;
    let silence = setTimeout(() => this.#abort.abort(), silenceMs);
    try {
      const response = await fetch(`${node.url}/db/changes?format=ndjson&from=${from}`, {
        signal: this.#abort.signal,
      });
      if (response.status === 410) {
        await response.body?.cancel();
        this.#report.count("streams refused with 410");
        this.#next = undefined;
        return;
      }
      if (response.status !== 200 || response.body === null) {
        await response.body?.cancel();
        throw new RequestFailed(`${response.status}`, "refused");
      }
      for await (const pieces of piecesOf(response.body)) {
        clearTimeout(silence);
        silence = setTimeout(() => this.#abort.abort(), silenceMs);
        for (const piece of pieces) if (!this.#take(piece)) return;
      }
    } finally {
      clearTimeout(silence);
      this.#abort.abort();
    }
  }

  /** False when the stream is to be left. */
  #take(piece: Piece): boolean {
    const { index, first, changes, complete, tables = {} } = piece;
    if (piece.error !== undefined) {
      this.#next = undefined;
      return false;
    }
    if (index === undefined || changes === undefined) {
      this.#next = piece.next;
      return true;
    }
    this.#checkPosition(Number(index.source), Number(first?.source));
    for (const [name, { row_ids: hasRowId, columns }] of Object.entries(tables)) {
      const order = (column: typeof columns[number]) => Number(column.primary_key?.source ?? 0);
      const keyColumns = columns.filter((column) => order(column) > 0)
        .toSorted((a, b) => order(a) - order(b)).map(({ name }) => name);
      this.#tables.set(name, {
        ...{ hasRowId, keyColumns },
        rows: this.#tables.get(name)?.rows ?? new Map(),
      });
    }
    const at = Number(index.source);
    this.#texts.set(at, (this.#texts.get(at) ?? "") + JSON.stringify(changes));
    this.#report.count("changes told to streams", changes.length);
    if (changes.some(({ op }) => op === "read_again")) {
      this.#next = undefined;
      return false;
    }
    for (const change of changes) this.#apply(change, at);
    this.#open = complete === true
      ? undefined
      : { index: at, count: Number(first?.source) + changes.length };
    if (complete === true) this.#last = at;
    this.#next = piece.next;
    return true;
  }

  /** Each change comes once: behind the last entry, or behind the last part of this one. */
  #checkPosition(index: number, first: number): void {
    const isNext = this.#open === undefined
      ? index > this.#last && first === 0
      : index === this.#open.index && first === this.#open.count;
    if (isNext) return;
    const open = this.#open === undefined
      ? ""
      : ` of which ${this.#open.count} changes of ${this.#open.index}`;
    throw new CopyFailed(`change ${first} of entry ${index} came behind ${this.#last}${open}`);
  }

  #apply(change: Change, index: number): void {
    const table = this.#tables.get(change.table);
    if (table === undefined) throw new CopyFailed(`of table ${change.table} nothing was told`);
    const isLenient = index <= this.#alreadyUpTo;
    const before = change.before && rowOf(change.before);
    const after = change.after && rowOf(change.after);
    const what = `${change.op} of entry ${index} in ${change.table}`;
    if (before !== undefined) {
      const key = idOf(table, change.old_row_id, before);
      const had = rowText(table.rows.get(key));
      if (!isLenient && had !== rowText(before)) {
        throw new CopyFailed(`${what}: row ${key} was ${had}, not ${rowText(before)}`);
      }
      table.rows.delete(key);
    }
    if (after !== undefined) {
      const key = idOf(table, change.new_row_id, after);
      if (!isLenient && table.rows.has(key)) {
        throw new CopyFailed(`${what}: row ${key} is there: ${rowText(table.rows.get(key))}`);
      }
      table.rows.set(key, after);
    }
  }
}

class CopyFailed extends Error {
  override name = "CopyFailed";
}

function idOf(table: Table, rowId: ExactNumber | undefined, row: Row): string {
  return table.hasRowId ? rowId?.source ?? "?" : keyOf(table, row);
}

function rowOf(values: Readonly<Record<string, unknown>>): Row {
  return new Map(Object.entries(values).map(([name, value]) => [name, cellOf(value)]));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex").toUpperCase();
}

function cellOf(value: unknown): Cell {
  if (value === null) return cells.none;
  if (typeof value === "string") return cells.text(hex(new TextEncoder().encode(value)));
  if (value instanceof ExactNumber) {
    return value.isInteger ? cells.integer(value.source) : cells.real(Number(value.source));
  }
  const { blob, text, real } = value as { blob?: string; text?: string; real?: string };
  if (blob !== undefined) return cells.blob(hex(Buffer.from(blob, "base64")));
  if (text !== undefined) return cells.text(hex(Buffer.from(text, "base64")));
  return cells.real(Number(real));
}

/** The pieces of a stream, as many at a time as have come whole: none for a part of one. */
async function* piecesOf(body: ReadableStream<BufferSource>): AsyncGenerator<Piece[]> {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield lines.map((line) => parseExactly(line) as Piece);
  }
}

/** All that a node tells from an index on, up to another, by entry. */
export async function toldBy(
  node: NodeProcess,
  from: number,
  to: number,
): Promise<ReadonlyMap<number, string>> {
  const texts = new Map<number, string>();
  const abort = new AbortController();
  const response = await fetch(`${node.url}/db/changes?format=ndjson&from=${from}`, {
    signal: abort.signal,
  });
  if (response.status !== 200 || response.body === null) {
    throw new Error(`${node.id} tells nothing from ${from} on: ${await response.text()}`);
  }
  const timer = setTimeout(() => abort.abort(), 4 * silenceMs);
  try {
    for await (const pieces of piecesOf(response.body)) {
      for (const { index, changes, complete } of pieces) {
        if (index === undefined || changes === undefined) continue;
        const at = Number(index.source);
        texts.set(at, (texts.get(at) ?? "") + JSON.stringify(changes));
        if (at >= to && complete === true) return texts;
      }
    }
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
  throw new Error(`${node.id} ended its stream before ${to}`);
}

/** Parts of an entry as they came: cut into parts elsewhere, they are the same. */
export function withoutParts(text: string | undefined): string | undefined {
  return text?.replaceAll("][", ",");
}
