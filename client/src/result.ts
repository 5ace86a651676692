import { type Integers, parseExact, rowsOf, valueOf } from "./exact_json.ts";
import { RaftliteError, Refused, ResultLost, sqlError } from "./errors.ts";
import type { Value } from "./values.ts";

/** By the names of columns; of two with one name the last. */
export type Row = Readonly<Record<string, Value>>;

/** What a statement answered. */
export class Result<R extends Row = Row> {
  /** Empty for a statement that gives no rows. */
  readonly columns: readonly string[];
  /** Row by row, in the order of the columns. */
  readonly values: readonly (readonly Value[])[];
  /** By a statement that changes rows and gives none; otherwise 0. */
  readonly rowsAffected: number;
  /** The rowid of the last insert, likewise. */
  readonly lastInsertId: number | bigint;
  #rows: readonly R[] | undefined;

  constructor(parts: {
    readonly columns: readonly string[];
    readonly values: readonly (readonly Value[])[];
    readonly rowsAffected: number;
    readonly lastInsertId: number | bigint;
  }) {
    this.columns = parts.columns;
    this.values = parts.values;
    this.rowsAffected = parts.rowsAffected;
    this.lastInsertId = parts.lastInsertId;
  }

  /** The same rows as objects. */
  get rows(): readonly R[] {
    this.#rows ??= this.values.map((row) =>
      Object.fromEntries(this.columns.map((name, i) => [name, row[i]])) as R
    );
    return this.#rows;
  }
}

interface Body {
  readonly results?: readonly ResultBody[];
  readonly error?: string;
}

interface ResultBody {
  readonly columns?: readonly string[];
  readonly values?: readonly (readonly unknown[])[];
  readonly rows_affected?: unknown;
  readonly last_insert_id?: unknown;
  readonly error?: string;
}

/** What is to be known of an answer beside its text. */
interface Reading {
  readonly integers: Integers;
  /** It is that of an earlier request with the key. */
  readonly replayed: boolean;
}

/** The results in an answer of 200; throws the error that it holds instead. */
export function resultsOf(text: string, { integers, replayed }: Reading): Result[] {
  let body: Body;
  try {
    body = parseExact(text, integers) as Body;
  } catch (error) {
    throw new RaftliteError(`The answer is not JSON: ${text.slice(0, 200)}`, { cause: error });
  }
  if (body.error) {
    throw replayed
      ? new ResultLost(`The write was done: ${body.error}`)
      : new Refused(body.error, 200);
  }
  const results = body.results ?? [];
  results.forEach(({ error }, index) => {
    if (error) throw sqlError(error, index);
  });
  return results.map((result) => resultOf(result, integers));
}

/** The result of a request of one statement. */
export function onlyResult<R extends Row>(result: Result | undefined): Result<R> {
  if (result === undefined) throw new RaftliteError("The answer has no result");
  return result as Result<R>;
}

function resultOf(result: ResultBody, integers: Integers): Result {
  const { columns = [], values = [], rows_affected = 0, last_insert_id = 0 } = result;
  return new Result({
    columns,
    values: rowsOf(values, integers),
    rowsAffected: Number(valueOf(rows_affected, "exact")),
    lastInsertId: valueOf(last_insert_id, integers) as number | bigint,
  });
}
