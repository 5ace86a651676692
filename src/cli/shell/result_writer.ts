import type { Result, Table } from "./answer.ts";
import { columnFormat } from "./column_format.ts";
import { csvFormat } from "./csv_format.ts";
import { jsonFormat } from "./json_format.ts";
import { lineFormat } from "./line_format.ts";
import type { Output } from "./output.ts";
import type { Settings } from "./settings.ts";
import type { Style } from "./style.ts";

const writtenAtOnce = 64 * 1024;

export interface ResultWriterParts {
  readonly settings: Settings;
  readonly output: Output;
  /** Gets what is no data in modes that programs read. */
  readonly note: (text: string) => void;
}

/** Shows a result as the settings want it. */
export async function writeResult(
  result: Result,
  { settings, output, note }: ResultWriterParts,
  signal: AbortSignal,
): Promise<void> {
  const isForPrograms = settings.mode === "csv" || settings.mode === "json";
  const remark = isForPrograms ? note : (text: string) => output.write(text);
  if (result.type === "table") {
    await writePieces(format(result.table, settings, output.style), output, signal);
    if (settings.timer) remark(`Run Time: ${result.time.toFixed(6)} seconds\n`);
    return;
  }
  const { rowsAffected, lastInsertId, time } = result;
  const rows = rowsAffected === "0" || rowsAffected === "1" ? "row" : "rows";
  const duration = settings.timer ? ` (${time.toFixed(6)} sec)` : "";
  remark(`${rowsAffected} ${rows} affected${duration}\n`);
  if (settings.changes) remark(`last insert ID: ${lastInsertId}\n`);
}

function format(table: Table, { mode }: Settings, style: Style): Generator<string> {
  switch (mode) {
    case "column":
      return columnFormat(table, style);
    case "csv":
      return csvFormat(table);
    case "json":
      return jsonFormat(table);
    case "line":
      return lineFormat(table, style);
  }
}

/** Writes in larger pieces, and lets Ctrl-C in between. */
async function writePieces(
  pieces: Generator<string>,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  let text = "";
  for (const piece of pieces) {
    text += piece;
    if (text.length < writtenAtOnce) continue;
    output.write(text);
    text = "";
    await new Promise((resolve) => setTimeout(resolve));
    signal.throwIfAborted();
  }
  if (text !== "") output.write(text);
}
