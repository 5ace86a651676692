import { ask } from "../api/client.ts";
import { ExactNumber, parseExact, type Value } from "../api/exact.ts";
import { piecesOf } from "../api/pieces.ts";

/** A value of a column, before or after; undefined: there was no row. */
export interface ChangedCell {
  readonly name: string;
  readonly isKey: boolean;
  readonly before: Value | undefined;
  readonly after: Value | undefined;
}

/** What was done to one row. */
export interface RowChange {
  /** Of the list that it is shown in. */
  readonly number: number;
  readonly op: "insert" | "update" | "delete" | "read_again";
  /** "" when it is about no table. */
  readonly table: string;
  /** Why rows may be others; "" for a row's change. */
  readonly reason: string;
  readonly time: Date;
  readonly index: number;
  readonly rowId: Value | undefined;
  readonly cells: readonly ChangedCell[];
}

export interface Following {
  /** "" for all. */
  readonly table: string;
  /** Where to go on; "": what comes, "oldest": all that is kept. */
  readonly from: string;
  readonly signal: AbortSignal;
  /** The stream runs. */
  readonly onStart: () => void;
  readonly onChanges: (changes: readonly RowChange[]) => void;
  readonly onNext: (next: string) => void;
}

type Row = Readonly<Record<string, unknown>>;

interface Shape {
  readonly columns: readonly { readonly name: string; readonly primary_key: number }[];
}

interface Line {
  readonly start?: boolean;
  readonly end?: boolean;
  readonly next: string;
  readonly oldest?: string;
  readonly error?: string;
  readonly index: number;
  readonly time: number;
  readonly tables?: Readonly<Record<string, Shape>>;
  readonly changes?: readonly {
    readonly op: RowChange["op"];
    readonly table?: string;
    readonly reason?: string;
    readonly old_row_id?: Value;
    readonly new_row_id?: Value;
    readonly before?: Row;
    readonly after?: Row;
  }[];
}

let numbers = 0;

/** Follows the changes until aborted; rejects with the node's words when that cannot be. */
export async function followChanges(following: Following): Promise<void> {
  const { signal, onNext } = following;
  let { from } = following;
  if (from === "oldest") from = await oldest(following);
  while (!signal.aborted) {
    // The shapes of tables are told anew by each stream.
    const shapes = new Map<string, Shape>();
    for await (const line of lines(following, from)) {
      from = line.next;
      onNext(from);
      if (line.start) following.onStart();
      if (line.error !== undefined) throw new Error(line.error);
      for (const [table, shape] of Object.entries(line.tables ?? {})) shapes.set(table, shape);
      if (line.changes !== undefined) following.onChanges(changesOf(line, shapes));
    }
  }
}

async function oldest(following: Following): Promise<string> {
  for await (const line of lines(following, "")) return line.oldest ?? "";
  return "";
}

async function* lines(
  { table, signal }: Following,
  from: string,
): AsyncGenerator<Line> {
  const options = new URLSearchParams({ format: "ndjson" });
  if (table !== "") options.set("tables", table);
  if (from !== "") options.set("from", from);
  const response = await ask(`/db/changes?${options}`, { signal });
  for await (const parts of piecesOf(response, "\n")) {
    for (const part of parts) yield parseExact(part) as Line;
  }
}

function changesOf(
  { index, time, changes = [] }: Line,
  shapes: ReadonlyMap<string, Shape>,
): RowChange[] {
  return changes.map(({ op, table = "", reason = "", before, after, ...ids }) => ({
    number: ++numbers,
    ...{ op, table, reason, index },
    time: new Date(time),
    rowId: ids.new_row_id ?? ids.old_row_id,
    cells: (shapes.get(table)?.columns ?? []).map(({ name, primary_key }) => ({
      name,
      isKey: primary_key > 0,
      before: before && valueOf(before[name]),
      after: after && valueOf(after[name]),
    })),
  }));
}

/** What has no form of its own in JSON comes in an object that says what it is. */
function valueOf(told: unknown): Value {
  if (typeof told !== "object" || told === null || told instanceof ExactNumber) {
    return told as Value;
  }
  const { blob, text, real } = told as { blob?: string; text?: string; real?: string };
  if (real !== undefined) return new ExactNumber(real);
  return [...Uint8Array.from(atob(blob ?? text ?? ""), (character) => character.charCodeAt(0))];
}
