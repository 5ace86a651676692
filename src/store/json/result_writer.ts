import type { Failure } from "../failures.ts";
import type { PreparedStatement } from "../prepared_statement.ts";
import type { AnswerFormat } from "../types.ts";
import type { JsonText } from "./json_text.ts";
import { RowsWriter, writeChanges, writeEmpty, writeError } from "./result_json.ts";
import { type Effects, TypedRowsWriter, writeNothing, writeTypedError } from "./typed_json.ts";

/** Writes the result of a statement that is being stepped through, in either form. */
export interface ResultWriter {
  /** The row that the statement stands on. */
  row(): void;
  /** Closes the result; `seconds` is written when above 0, where there is a place for it. */
  end(seconds: number): void;
  /** Closes a result that an error cut short; a row begun is taken back. */
  endPartial(failure: Failure): void;
}

/** To be made after the first `step`, before which the statement may still be prepared anew. */
export function resultWriter(
  out: JsonText,
  prepared: PreparedStatement,
  format: AnswerFormat,
  hasRow: boolean,
  effects?: Effects,
): ResultWriter {
  if (format.typed) return new TypedRowsWriter(out, prepared, effects);
  return new RowsWriter(out, prepared.statement, format, hasRow);
}

/** The result of a statement that only changes rows; in typed form such a one writes its own. */
export function writeChanged(
  out: JsonText,
  rowId: number | bigint,
  changes: number,
  seconds: number,
  format: AnswerFormat,
): void {
  if (format.typed) writeNothing(out);
  else writeChanges(out, rowId, changes, seconds, format);
}

/** The result of a text whose last statement is none: of a read, or of a write. */
export function writeNone(
  out: JsonText,
  read: boolean,
  seconds: number,
  format: AnswerFormat,
): void {
  if (format.typed) writeNothing(out);
  else writeEmpty(out, read, seconds, format);
}

/** The result of a failed statement; `query`: of one that was to have rows. */
export function writeFailure(
  out: JsonText,
  failure: Failure,
  format: AnswerFormat,
  query: boolean,
): void {
  if (format.typed) writeTypedError(out, failure);
  else writeError(out, failure.message, query && format.associative);
}
