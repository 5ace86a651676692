import { ColumnType, type Statement } from "../../sqlite/mod.ts";
import { JsonText } from "./json_text.ts";

/** How values of one result column are written. */
export interface Column {
  readonly name: string;
  /** Declared type in lower case; without one, the type of the first row's value. */
  readonly type: string;
  /** By the declared type only. */
  readonly conversion: "none" | "boolean" | "time";
  readonly blobAsText: boolean;
}

/** Prefixes of the declared types whose blobs are written as text. */
const textTypes = [
  "varchar",
  "varying character",
  "nchar",
  "native character",
  "nvarchar",
  "clob",
];

const encoder = new TextEncoder();

/** The columns of a result, and what is written of them before the rows. */
export class ResultColumns {
  readonly list: readonly Column[];
  #order: readonly { readonly column: number; readonly key: Uint8Array }[] | undefined;
  /** The written header of either form, once it is known. */
  header: { plain?: Uint8Array; associative?: Uint8Array } = {};

  constructor(list: readonly Column[]) {
    this.list = list;
  }

  /** In the order of their names, of equal ones the last; names ready to write. */
  get order(): readonly { readonly column: number; readonly key: Uint8Array }[] {
    this.#order ??= keyOrder(this.list);
    return this.#order;
  }
}

interface Kept {
  readonly columns: ResultColumns;
  readonly qualified: boolean;
  readonly repreparations: number;
}

/** Columns that do not depend on the rows, of statements that may be run again. */
const kept = new WeakMap<Statement, Kept>();

/**
 * The columns of a statement that stands behind its first `step`, before which it may still be
 * prepared anew. `qualified` puts the table's name before each.
 */
export function columnsOf(
  statement: Statement,
  qualified: boolean,
  hasRow: boolean,
): ResultColumns {
  const known = kept.get(statement);
  const { repreparations } = statement;
  if (known?.repreparations === repreparations && known.qualified === qualified) {
    return known.columns;
  }
  const declared = statement.columnNames().map((_, i) =>
    statement.columnDeclType(i)?.toLowerCase() ?? ""
  );
  const columns = new ResultColumns(
    statement.columnNames().map((name, i) => {
      const table = qualified ? statement.columnTableName(i) : null;
      const type = declared[i] || (hasRow ? typeName(statement.columnType(i)) : "");
      return {
        name: table ? `${table}.${name}` : name,
        type,
        conversion: conversionOf(declared[i] ?? ""),
        blobAsText: isTextType(type),
      };
    }),
  );
  if (!declared.includes("")) kept.set(statement, { columns, qualified, repreparations });
  return columns;
}

function isTextType(type: string): boolean {
  return type === "" || type === "text" || type === "json" ||
    textTypes.some((prefix) => type.startsWith(prefix));
}

function conversionOf(declared: string): Column["conversion"] {
  if (declared === "boolean") return "boolean";
  return declared === "date" || declared === "datetime" || declared === "timestamp"
    ? "time"
    : "none";
}

/** What stands for a declared type where there is none; a blob is then written as text. */
function typeName(type: number): string {
  switch (type) {
    case ColumnType.integer:
      return "integer";
    case ColumnType.float:
      return "real";
    case ColumnType.text:
    case ColumnType.blob:
      return "text";
    default:
      return "";
  }
}

function keyOrder(columns: readonly Column[]): { column: number; key: Uint8Array }[] {
  const last = new Map(columns.map(({ name }, column) => [name, column]));
  return [...last].sort(([a], [b]) => compareCodePoints(a, b)).map(([name, column]) => {
    const key = new JsonText(name.length * 3 + 3);
    key.text(name);
    key.ascii(":");
    return { column, key: key.copy() };
  });
}

/** The order of the texts' UTF-8. */
function compareCodePoints(a: string, b: string): number {
  const left = encoder.encode(a);
  const right = encoder.encode(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
