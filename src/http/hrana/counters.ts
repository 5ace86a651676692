import type { SeenCall } from "./seen_calls.ts";
import type { StatementText } from "./statement_text.ts";

const tail = /"affected_row_count":(\d+),"last_insert_rowid":(?:null|"(-?\d+)")\}$/;
/** Characters of a result in which its tail is. */
const tailLength = 100;

/**
 * What last_insert_rowid() and changes() say in a stream. Its statements run on whatever connection
 * of whatever node, so what they are to say is put in their place.
 */
export class Counters {
  #lastInsertRowId = "0";
  #changes = "0";

  /** A statement's SQL with the calls replaced. */
  putInto({ sql, seen }: StatementText): string {
    let text = "";
    let at = 0;
    for (const call of seen) {
      text += sql.slice(at, call.start) + this.#inPlaceOf(call, sql);
      at = call.end;
    }
    return text + sql.slice(at);
  }

  /** The column is named as it would have been. */
  #inPlaceOf({ of, start, end, isColumn }: SeenCall, sql: string): string {
    const value = of === "changes" ? this.#changes : this.#lastInsertRowId;
    if (!isColumn) return `(${value})`;
    return `(${value}) AS "${sql.slice(start, end).replaceAll('"', '""')}"`;
  }

  /** A statement that changes rows has failed while it ran: changes() is 0 then. */
  noteFailure(): void {
    this.#changes = "0";
  }

  /**
   * Takes over what the result of a statement that may have written says, and returns it: one that
   * inserted nothing leaves what was inserted last.
   */
  noted(result: string): string {
    const found = tail.exec(result.slice(-tailLength));
    if (found === null) return result;
    const [text, changes = "0", rowId] = found;
    this.#changes = changes;
    if (rowId === undefined) return result;
    if (changes !== "0") this.#lastInsertRowId = rowId;
    const end = `"affected_row_count":${changes},"last_insert_rowid":"${this.#lastInsertRowId}"}`;
    return result.slice(0, -text.length) + end;
  }
}
