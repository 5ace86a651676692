import { Buffer } from "node:buffer";
import type { Prng } from "../../src/base/prng.ts";
import type { NodeProcess } from "../cluster/harness.ts";
import {
  type Cell,
  differentRow,
  ExactNumber,
  keyOf,
  parseExactly,
  readTables,
  type Row,
  type Table,
  type Tables,
} from "./copied_rows.ts";
import type { Report } from "./report.ts";

interface Event {
  readonly op?: string;
  readonly table?: string;
  readonly old_row_id?: ExactNumber;
  readonly new_row_id?: ExactNumber;
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly error?: string;
}

interface Group {
  readonly index: ExactNumber;
  readonly events: readonly Event[];
}

interface Message {
  readonly node_id: string;
  readonly payload: readonly Group[];
}

/** Tables that ALTER and DROP change, and rows without a key of their own, which VACUUM renumbers. */
const untold = /^(odd|owned|made|strict_one|log|tx_aside|a "b.*)$/;

/**
 * A copy of the database that is made of what -cdc-config delivers alone, at an endpoint that fails,
 * is slow, or takes a message and does not say so.
 */
export class WebhookCopy implements AsyncDisposable {
  readonly #report: Report;
  readonly #random: Prng;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #tables: Tables = new Map();
  /**
   * Events of each entry, as text, in their order: not its groups, as another node may have cut what
   * is large elsewhere.
   */
  readonly #events = new Map<number, string[]>();
  /** Which event of the last entry comes next from a node. */
  readonly #places = new Map<string, number>();
  #last = 0;
  #lastNode = "";
  #lastBody = "";
  /** An endpoint that is down answers nobody. */
  isDown = false;
  /** The round is over: it takes all there is. */
  isCalm = false;
  #mustReadAgain = false;
  /** Entries whose changes a leader has told to be lost. */
  readonly #lost: { readonly from: number; readonly to: number }[] = [];
  #queue: Promise<void> = Promise.resolve();

  constructor(report: Report, random: Prng) {
    this.#report = report;
    this.#random = random;
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/changes`;
  }

  /** The last entry of which something was delivered. */
  get index(): number {
    return this.#last;
  }

  /** Whether a message has said that changes are missing, and no copy was taken since. */
  get mustReadAgain(): boolean {
    return this.#mustReadAgain;
  }

  /** What is there before the first change. */
  begin(tables: Tables): void {
    this.#tables = lossy(tables);
  }

  /** Takes a copy of all tables from a node: what is delivered of before changes nothing any more. */
  async readAgain(node: NodeProcess): Promise<void> {
    const work = this.#queue.then(async () => {
      this.#mustReadAgain = false;
      this.#tables = lossy((await readTables(node, "linearizable")).tables);
      this.#report.count("tables read again for the endpoint");
    });
    this.#queue = work.catch(() => {
      this.#mustReadAgain = true;
    });
    await work;
  }

  async #answer(request: Request): Promise<Response> {
    const body = await request.text();
    const random = this.#random;
    if (this.isDown) return new Response("down", { status: 503 });
    const draw = this.isCalm ? 1 : random.uint32() / 0x1_0000_0000;
    if (draw < 0.05) {
      this.#report.count("messages refused by the endpoint");
      return new Response("no", { status: 500 });
    }
    this.#report.count("messages to the endpoint");
    await (this.#queue = this.#queue.then(() => this.#take(body)));
    if (draw < 0.1) {
      this.#report.count("messages taken and not confirmed");
      return new Response("no", { status: 500 });
    }
    if (draw < 0.15) await new Promise((resolve) => setTimeout(resolve, 300));
    return new Response();
  }

  #take(body: string): void {
    const { node_id: node, payload } = parseExactly(body) as Message;
    // Who was not told that a message was taken sends it again as it is.
    const isAgain = body === this.#lastBody;
    this.#lastBody = body;
    if (isAgain) return this.#report.count("groups delivered again", payload.length);
    // Who takes over begins the entry anew.
    if (node !== this.#lastNode) this.#places.delete(node);
    this.#lastNode = node;
    for (const group of payload) {
      const index = Number(group.index.source);
      let isAgain = true;
      for (const event of group.events) {
        if (this.#isLossOfWhatIsThere(event, index)) continue;
        if (!this.#isNew(node, index, JSON.stringify(event))) continue;
        isAgain = false;
        this.#apply(event, index);
      }
      if (isAgain) this.#report.count("groups delivered again");
    }
  }

  /**
   * A leader that got the database as a whole, and does not know yet how far the one before it has
   * delivered, says that changes are lost which have arrived here.
   */
  #isLossOfWhatIsThere({ error }: Event, index: number): boolean {
    if (error === undefined || index >= this.#last) return false;
    this.#report.count("losses told of what had been delivered");
    return true;
  }

  /** Entries come in order; one that comes again brings the events that it brought before. */
  #isNew(node: string, index: number, text: string): boolean {
    const known = this.#events.get(index) ?? [];
    if (index < this.#last) {
      if (this.#lost.some(({ from, to }) => from <= index && index <= to)) {
        // By another leader, which has them; all was to be read again before.
        this.#report.count("changes delivered that were told to be lost");
      } else if (!known.includes(text)) {
        this.#report.violation(
          "Webhook",
          `${node} delivered of entry ${index}, behind ${this.#last}, for the first time: ${text}`,
        );
      }
      // Whoever begins so far back begins the last one again, too.
      this.#places.set(node, 0);
      return false;
    }
    if (index > this.#last) this.#places.clear();
    this.#last = index;
    const place = this.#places.get(node) ?? 0;
    this.#places.set(node, place + 1);
    if (known[place] === text) return false;
    if (place < known.length && known.includes(text)) return false;
    known.push(text);
    this.#events.set(index, known);
    this.#places.set(node, known.length);
    return true;
  }

  #apply({ table: name, error, ...event }: Event, index: number): void {
    if (error !== undefined) {
      this.#report.count("messages that say to read again");
      this.#report.note(`The endpoint is told at entry ${index}: ${error}`);
      const [, from, to] = /from index (\d+) to (\d+) are lost/.exec(error) ?? [];
      if (from !== undefined) this.#lost.push({ from: Number(from), to: Number(to) });
      this.#mustReadAgain = true;
      return;
    }
    const table = this.#tables.get(name ?? "");
    if (table === undefined) return;
    const before = event.before && rowOf(event.before);
    const after = event.after && rowOf(event.after);
    // Of row id 0 nothing is said.
    const oldKey = before && toldKeyOf(table, event.old_row_id?.source ?? "0", before);
    const newKey = after && toldKeyOf(table, event.new_row_id?.source ?? "0", after);
    if (oldKey !== undefined) table.rows.delete(oldKey);
    if (newKey !== undefined && after !== undefined) table.rows.set(newKey, after);
    this.#report.count("changes delivered");
  }

  /** The first difference from what a node has. */
  differenceFrom(tables: Tables): string | undefined {
    for (const [name, { rows }] of lossy(tables)) {
      const found = differentRow(this.#tables.get(name)?.rows ?? new Map(), rows);
      if (found !== undefined) return `table ${name}, ${found}`;
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** As JSON in rqlite's form has it, where a blob is a text. */
function lossy(tables: Tables): Tables {
  return new Map(
    [...tables].filter(([name]) => !untold.test(name)).map(([name, { rows, ...table }]) => [
      name,
      {
        ...table,
        rows: new Map([...rows].flatMap(([rowId, row]) => {
          const told = new Map([...row].map(([column, cell]) => [column, lossyCell(cell)]));
          const key = toldKeyOf(table, rowId, told);
          return key === undefined ? [] : [[key, told]];
        })),
      },
    ]),
  );
}

const empty = '"';

/** Undefined for a row that JSON does not tell from another: an empty blob looks like an empty text. */
function toldKeyOf(table: Omit<Table, "rows">, rowId: string, row: Row): string | undefined {
  if (table.hasRowId) return rowId;
  return table.keyColumns.some((name) => row.get(name) === empty) ? undefined : keyOf(table, row);
}

function lossyCell(cell: Cell): string {
  const [, type, text = ""] = /^(\w+):(.*)$/s.exec(cell) ?? [];
  switch (type) {
    case "text":
      return `"${new TextDecoder().decode(Buffer.from(text, "hex"))}`;
    case "blob":
      return `"${Buffer.from(text, "hex").toString("base64")}`;
    case "real":
      return Number.isFinite(Number(text)) ? numberText(text) : `"${text}`;
    case "integer":
      return text;
    default:
      return "null";
  }
}

function numberText(source: string): string {
  return /^-?\d+$/.test(source) ? source : String(Number(source));
}

function rowOf(values: Readonly<Record<string, unknown>>): Row {
  return new Map(
    Object.entries(values).map(([name, value]) => {
      if (value instanceof ExactNumber) return [name, numberText(value.source)];
      return [name, typeof value === "string" ? `"${value}` : "null"];
    }),
  );
}
