import { type Table, toValue, type Value } from "./answer.ts";
import { refusal, textOf } from "./client.ts";
import type { DotCommand } from "./dot_commands.ts";
import { isObject, parseExact } from "./exact_json.ts";
import type { HttpAnswer } from "./http_exchange.ts";
import type { Session } from "./session.ts";
import { ShellError } from "./shell_error.ts";

/** Shows the rows of a query again whenever they are others, until Ctrl-C. */
export const watchCommand: DotCommand = {
  usage: "SELECT…",
  help: "Show the rows of a query, and again whenever they have changed; Ctrl-C ends it",
  async run(session, sql, signal) {
    if (sql === "") throw new ShellError("Command .watch needs a query");
    const watched = new WatchedRows();
    const call = {
      ...{ method: "POST", path: "db/watch", contentType: "text/plain", body: sql } as const,
      ...{ repeatable: true, unhurried: true },
      // Another node that goes on has to have seen as much.
      get parameters() {
        const { blobArray, level } = session.settings;
        return {
          ...{ format: "ndjson", level, min_index: String(watched.index) },
          ...(blobArray ? { blob_array: "" } : {}),
        };
      },
    };
    // A node that stops, or has told for an hour, ends it in good order.
    for (;;) {
      await session.client.exchange(call, signal, async (answer) => {
        if (answer.status !== 200) throw refusal(answer.status, (await textOf(answer)).text);
        await show(session, answer, watched, signal);
      });
    }
  },
};

/** Shows what a node tells, until it ends. */
async function show(
  session: Session,
  answer: HttpAnswer,
  watched: WatchedRows,
  signal: AbortSignal,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of answer.body) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!watched.take(line)) continue;
      await session.show({ type: "table", table: watched.table, time: 0 }, signal);
    }
  }
}

/** The rows as the lines of a stream make them; docs/watch.md has the form. */
class WatchedRows {
  index = 0;
  #columns: readonly string[] = [];
  #rows: (readonly Value[])[] = [];

  get table(): Table {
    return { columns: this.#columns, rows: this.#rows };
  }

  /** Whether the rows are others. Throws a ShellError for the end of what cannot go on. */
  take(line: string): boolean {
    const told = parseExact(line);
    if (!isObject(told)) throw new ShellError(`Line is not understood: ${line.slice(0, 200)}`);
    if (typeof told.error === "string") throw new ShellError(told.error);
    this.index = Number(told.index);
    const { columns, rows, changes } = told;
    if (Array.isArray(columns)) this.#columns = columns.map(String);
    if (Array.isArray(rows)) this.#rows = rows.map(rowOf);
    if (Array.isArray(changes)) this.#splice(changes);
    return Array.isArray(rows) || Array.isArray(changes);
  }

  #splice(changes: readonly unknown[]): void {
    for (const change of changes) {
      const [at, removed, added] = Array.isArray(change) ? change : [];
      this.#rows.splice(
        Number(at),
        Number(removed),
        ...(Array.isArray(added) ? added : []).map(rowOf),
      );
    }
  }
}

function rowOf(row: unknown): readonly Value[] {
  return Array.isArray(row) ? row.map(toValue) : [];
}
