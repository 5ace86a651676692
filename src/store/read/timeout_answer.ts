import { JsonText } from "../json/json_text.ts";
import { writeFailure } from "../json/result_writer.ts";
import { EncodedStatements, type ReadRequest, StoreBusyError } from "../types.ts";
import { timeoutText } from "./read_runner.ts";

/** What a read that was never started answers for each of its statements. */
export function timeoutAnswer(
  { statements, format }: ReadRequest,
): Uint8Array | Promise<Uint8Array> {
  if (statements instanceof EncodedStatements) {
    return Promise.reject(
      new StoreBusyError("The read could not begin within its db_timeout: all readers are busy"),
    );
  }
  const json = new JsonText();
  for (const { sql } of statements) {
    if (sql === "") continue;
    if (json.length > 0) json.ascii(",");
    writeFailure(json, { message: timeoutText, code: "SQLITE_INTERRUPT" }, format, true);
  }
  return json.copy();
}
