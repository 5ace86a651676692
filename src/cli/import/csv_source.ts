import { createReadStream } from "node:fs";
import { CsvError, parse } from "csv-parse";
import { messageOf } from "../../base/message_of.ts";
import { TypeGuess } from "./column_types.ts";
import {
  guessedRows,
  ImportError,
  rowBytesMax,
  rowsAtATime,
  type Source,
  type SourceColumn,
  type SourceRow,
} from "./types.ts";

export interface CsvOptions {
  readonly separator: string;
  /** The first row names the columns. */
  readonly hasHeader: boolean;
  /** The columns, where no header names them; by default c1, c2, … */
  readonly names?: readonly string[] | undefined;
}

interface CsvRecord {
  readonly record: readonly (string | null)[];
  readonly info: { readonly lines: number; readonly bytes: number };
}

/** Opens a CSV file (RFC 4180): an empty value is NULL, and `""` an empty text. */
export async function openCsv(path: string, options: CsvOptions): Promise<Source> {
  let names: readonly string[] | undefined;
  const guesses: TypeGuess[] = [];
  let rows = 0;
  for await (const { record } of records(path, options)) {
    if (names === undefined) {
      names = options.hasHeader
        ? record.map((name, i) => name ?? `c${i + 1}`)
        : options.names ?? record.map((_, i) => `c${i + 1}`);
      guesses.push(...names.map(() => new TypeGuess()));
      if (options.hasHeader) continue;
    }
    record.forEach((text, i) => text === null ? undefined : guesses[i]?.addText(text));
    if (++rows >= guessedRows) break;
  }
  if (names === undefined) throw new ImportError(`File ${path} is empty`);
  const columns = names.map((name, i): SourceColumn => ({
    name,
    type: guesses[i]?.type(true) ?? "TEXT",
  }));
  return {
    format: "CSV",
    columns,
    primaryKey: [],
    notes: options.hasHeader ? [] : ["No row of it is a header"],
    isText: true,
    rows: () => grouped(path, options, columns.length),
    [Symbol.dispose]() {},
  };
}

async function* grouped(
  path: string,
  options: CsvOptions,
  width: number,
): AsyncGenerator<readonly SourceRow[]> {
  let group: SourceRow[] = [];
  let isFirst = options.hasHeader;
  for await (const { record, info } of records(path, options)) {
    if (isFirst) {
      isFirst = false;
      continue;
    }
    const place = `Line ${info.lines}`;
    if (record.length !== width) throw wrongWidth(place, record.length, width);
    group.push({ values: record, place, bytes: info.bytes });
    if (group.length < rowsAtATime) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** Every record of the file, the header too. */
async function* records(path: string, options: CsvOptions): AsyncGenerator<CsvRecord> {
  const input = createReadStream(path);
  const parser = parse({
    bom: true,
    cast: (value, { quoting }) => value === "" && !quoting ? null : value,
    delimiter: options.separator,
    info: true,
    max_record_size: rowBytesMax,
    record_delimiter: ["\r\n", "\n"],
  });
  input.on("error", (error) => parser.destroy(error));
  let lines = 0;
  try {
    for await (const record of input.pipe(parser) as AsyncIterable<CsvRecord>) {
      lines = record.info.lines;
      yield record;
    }
  } catch (error) {
    throw error instanceof CsvError ? csvFault(error, lines + 1) : error;
  } finally {
    input.destroy();
    parser.destroy();
  }
}

function wrongWidth(place: string, values: number, columns: number): ImportError {
  return new ImportError(
    `${place} has ${values} value${values === 1 ? "" : "s"}, and the first one ${columns}`,
  );
}

/** What the parser found, in a sentence with the column, and the line on which its row begins. */
function csvFault(error: CsvError, begins: number): ImportError {
  const { code, lines, column: name, index, record = [] } = error as CsvError & {
    readonly lines?: number;
    readonly column?: unknown;
    readonly index?: number;
    readonly record?: readonly unknown[];
  };
  if (code === "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH") {
    const [, columns = ""] = /expect (\d+)/.exec(messageOf(error)) ?? [];
    return wrongWidth(`Line ${lines}`, record.length, Number(columns));
  }
  const at = typeof name === "number" ? name : index;
  const column = at === undefined ? "" : `, column ${at + 1}`;
  const where = `Line ${lines}${column}`;
  switch (code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return new ImportError(`Line ${begins}${column}: a quote is opened that nothing closes`);
    case "CSV_MAX_RECORD_SIZE":
      return new ImportError(
        `Line ${begins}: a row is longer than ${rowBytesMax} bytes; is a quote opened that nothing closes?`,
      );
    case "CSV_INVALID_CLOSING_QUOTE":
      return new ImportError(`${where}: something stands behind a closing quote`);
    case "INVALID_OPENING_QUOTE":
      return new ImportError(
        `${where}: a quote stands within a value that does not begin with one`,
      );
    default:
      return new ImportError(`${where}: ${messageOf(error)}`);
  }
}
