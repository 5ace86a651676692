import { foldName } from "../../access/table_rights.ts";
import { JsonText } from "../json/json_text.ts";
import { StatementError } from "../failures.ts";
import { readRaftState } from "../apply/raft_table.ts";
import { OpenedTables, type SchemaNames } from "../opened_tables.ts";
import type { PreparedStatement } from "../prepared_statement.ts";
import { isTableFunction } from "../table_guard.ts";
import { type AnswerFormat, type LiveRead, LiveReadError } from "../types.ts";
import { schemaNames } from "../user_statements.ts";
import type { ReadConnection, ReadOutput } from "./read_runner.ts";

// The rows of a SELECT that is kept up to date, on their way from a reader: the JSON of its result,
// with a line's end behind each row, which JSON text has nowhere else; and on the last line what
// they are of, `{"index": …, "tables": […], "tookMs": …}`. Or the JSON of an error, alone.

/** Rows, and bytes of them, of one live query: what is kept and compared on the main thread. */
const rowsMax = 10_000;
const bytesMax = 1024 * 1024;

/** What the rows are of. */
interface LiveOrigin {
  readonly index: number;
  /** Absent: perhaps all. */
  readonly tables?: readonly string[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const lineEnd = 0x0a;

/** Throws a StatementError for what cannot be run again and again. */
export function refuseUnlessLive(
  prepared: PreparedStatement | undefined,
): asserts prepared is PreparedStatement {
  if (prepared?.readonly && prepared.hasColumns && prepared.statement.isExplain === 0) return;
  throw new StatementError(
    "A live query is one SELECT, of 64 KiB at most, without others beside it",
  );
}

/** Has rows ended, and counted. */
export function liveOutput(json: JsonText, stopped: () => string | undefined): ReadOutput {
  let rows = 0;
  return {
    json,
    stopped,
    rowWritten: () => {
      json.byte(lineEnd);
      rows++;
      if (rows <= rowsMax && json.length <= bytesMax) return;
      throw new StatementError(
        `A live query may have ${rowsMax} rows and ${bytesMax} bytes of them at most: ` +
          "narrow it with WHERE or LIMIT, or follow /db/changes",
      );
    },
    waitedMs: () => 0,
    sentBytes: 0,
  };
}

export function writeLiveOrigin(json: JsonText, origin: LiveOrigin, tookMs: number): void {
  json.raw(encoder.encode(`\n${JSON.stringify({ ...origin, tookMs })}`));
}

/** Finds what rows are of, on a connection that is in a transaction. */
export class LiveOrigins {
  readonly #connection: ReadConnection;
  #schemaVersion: unknown;
  #names: SchemaNames | undefined;

  constructor(connection: ReadConnection) {
    this.#connection = connection;
  }

  /** `sql` is one SELECT, and was prepared in this transaction. */
  of(sql: string): LiveOrigin {
    const { database, policy } = this.#connection;
    return policy.trusted(() => {
      const { index } = readRaftState(database);
      const tables = this.#tablesOf(sql);
      return tables === undefined ? { index } : { index, tables };
    });
  }

  /** Tables, folded; undefined where one is virtual, whose rows other tables have, or SQLite's own. */
  #tablesOf(sql: string): readonly string[] | undefined {
    const { database } = this.#connection;
    const names = this.#namesNow();
    const found = new Set<string>();
    for (const { name } of OpenedTables.of(database, sql, names)) {
      const folded = foldName(name);
      if (isTableFunction(folded) && !names.tables.has(folded)) continue;
      const isTable = names.tables.has(folded) && !names.virtualTables.includes(folded);
      // Nothing is told of what SQLite writes into tables of its own, but for the schema's.
      const isRecorded = isTable && !folded.startsWith("sqlite_");
      if (!isRecorded && folded !== "sqlite_master") return undefined;
      found.add(folded);
    }
    return [...found];
  }

  #namesNow(): SchemaNames {
    const { database } = this.#connection;
    const version = database.scalar("PRAGMA schema_version");
    if (this.#names === undefined || version !== this.#schemaVersion) {
      this.#names = schemaNames(database);
      this.#schemaVersion = version;
    }
    return this.#names;
  }
}

/** Throws a LiveReadError. */
export function decodeLiveRead(bytes: Uint8Array, { associative }: AnswerFormat): LiveRead {
  const lines = decoder.decode(bytes).split("\n");
  const last = lines.pop() ?? "";
  if (lines.length === 0) {
    throw new LiveReadError((JSON.parse(last) as { readonly error: string }).error);
  }
  const { index, tables, tookMs } = JSON.parse(last) as LiveOrigin & { readonly tookMs: number };
  const [first = "", ...others] = lines;
  const end = others.pop();
  // No text within the JSON can have this: its quotes would be escaped.
  const mark = associative ? '"rows":[' : '],"values":[';
  const firstAt = first.indexOf(mark) + mark.length;
  const hasRows = end !== undefined;
  const head = JSON.parse(hasRows ? `${first.slice(0, firstAt)}]}` : first) as Head;
  return {
    index,
    tookMs,
    tables: tables && new Set(tables),
    columns: head.columns ?? Object.keys(head.types),
    types: Object.values(head.types),
    // Between them are commas.
    rows: hasRows ? [first.slice(firstAt), ...others.map((line) => line.slice(1))] : [],
  };
}

interface Head {
  readonly columns?: readonly string[];
  readonly types: readonly string[] | Readonly<Record<string, string>>;
}
