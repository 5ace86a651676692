import type { Statement } from "../../sqlite/mod.ts";
import type { JsonText } from "./json_text.ts";

/** Room made before a text is copied: most fit, and are then asked for once. */
const roomForText = 1024;

/** Writes the text, or blob as text, of a column of the row that the statement stands on. */
export function writeColumnText(out: JsonText, statement: Statement, column: number): void {
  out.reserve(roomForText);
  const count = statement.columnCopy(column, out.bytes, out.length + 1);
  if (count > out.bytes.length - out.length - 1) {
    out.reserve(count + 1);
    statement.columnCopy(column, out.bytes, out.length + 1);
  }
  out.quoteInPlace(count);
}
