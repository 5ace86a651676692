import { type Integers, parseExact, valueOf } from "./exact_json.ts";
import type { Row } from "./result.ts";
import type { Value } from "./values.ts";

interface OfRow {
  readonly table: string;
  /** Changes of one transaction have one number within their group. */
  readonly transaction: number;
  /** Undefined in a table without row ids, and where there is none. */
  readonly oldRowId: number | bigint | undefined;
  readonly newRowId: number | bigint | undefined;
}

/** What was done to a row. A text that is no UTF-8 comes as its bytes. */
export type RowChange =
  | OfRow & { readonly op: "insert"; readonly before: undefined; readonly after: Row }
  | OfRow & { readonly op: "update"; readonly before: Row; readonly after: Row }
  | OfRow & { readonly op: "delete"; readonly before: Row; readonly after: undefined };

/** More was done than changes tell of: all tables are to be read again. */
export interface ReadAgain {
  readonly op: "read_again";
  /** Such as `schema`, `load`. */
  readonly reason: string;
  readonly transaction: number;
}

export type Change = RowChange | ReadAgain;

/** Changes that were committed together. */
export interface ChangeGroup {
  /** Where to go on behind it. */
  readonly next: string;
  /** In the cluster's log. */
  readonly index: number;
  /** When, in ms since 1970, by the clock of the leader. */
  readonly time: number;
  readonly changes: readonly Change[];
  /** More of the same index is to come where it is false: a large group comes in parts. */
  readonly isComplete: boolean;
}

/** A line of the stream. */
export interface Message {
  readonly next: string;
  readonly group: ChangeGroup | undefined;
  /** The node sends no more. */
  readonly isEnd: boolean;
  /** Why not, where changes are lost. */
  readonly error: string | undefined;
}

interface MessageBody {
  readonly next: string;
  readonly end?: boolean;
  readonly error?: string;
  readonly index: number;
  readonly time: number;
  readonly complete: boolean;
  readonly changes?: readonly ChangeBody[];
}

type Values = Readonly<Record<string, unknown>>;

interface ChangeBody {
  readonly op: Change["op"];
  readonly table: string;
  readonly reason: string;
  readonly old_row_id?: unknown;
  readonly new_row_id?: unknown;
  readonly before?: Values;
  readonly after?: Values;
  readonly transaction: number;
}

/** Reads a line of the stream. Throws a SyntaxError for what is none. */
export function readMessage(line: string, integers: Integers): Message {
  const { next, end = false, error, changes, ...body } = parseExact(
    line,
    integers,
  ) as MessageBody;
  const { index, time, complete: isComplete } = body;
  const group = changes === undefined ? undefined : {
    ...{ next, index, time, isComplete },
    changes: changes.map((change) => changeOf(change, integers)),
  };
  return { next, isEnd: end, error, group };
}

function changeOf(change: ChangeBody, integers: Integers): Change {
  const {
    op,
    table,
    reason,
    transaction,
    old_row_id,
    new_row_id,
    before,
    after,
  } = change;
  if (op === "read_again") return { op, reason, transaction };
  const rowId = (id: unknown) => id === undefined ? id : valueOf(id, integers) as number | bigint;
  return {
    ...{ op, table, transaction },
    oldRowId: rowId(old_row_id),
    newRowId: rowId(new_row_id),
    before: rowOf(before, integers),
    after: rowOf(after, integers),
  } as RowChange;
}

function rowOf(
  values: Values | undefined,
  integers: Integers,
): Row | undefined {
  if (values === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(values).map((
      [name, json],
    ) => [name, changedValue(json, integers)]),
  );
}

function changedValue(json: unknown, integers: Integers): Value {
  if (typeof json !== "object" || json === null) return valueOf(json, integers);
  const { blob, text } = json as {
    readonly blob?: string;
    readonly text?: string;
  };
  const base64 = blob ?? text;
  if (base64 === undefined) return valueOf(json, integers);
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
