import type { Client } from "@raftlite/client";
import { formatGoBytes } from "../../base/go_bytes.ts";
import { messageOf } from "../../base/message_of.ts";
import { type CsvOptions, openCsv } from "./csv_source.ts";
import { fingerprint } from "./fingerprint.ts";
import { runImport } from "./importer.ts";
import { openNdjson } from "./ndjson_source.ts";
import { ImportProgress } from "./progress.ts";
import { openSqlite } from "./sqlite_source.ts";
import { planTable, type TablePlan } from "./table_plan.ts";
import { type Format, formats, ImportError, type OnConflict, type Source } from "./types.ts";

export interface FileImportOptions extends CsvOptions {
  /** By the file's name and its first bytes where it is not given. */
  readonly format: Format | undefined;
  readonly table: string;
  /** The table of a SQLite file. */
  readonly from: string | undefined;
  readonly types: ReadonlyMap<string, string>;
  readonly onConflict: OnConflict;
  /** The columns of CSV are the table's, in their order. */
  readonly byPosition: boolean;
  readonly skip: number;
  readonly again: boolean;
}

/** A file that is to be imported, looked at. */
export class FileImport implements Disposable {
  readonly #path: string;
  readonly #options: FileImportOptions;
  readonly #source: Source;
  readonly #plan: TablePlan;
  readonly #size: number;

  private constructor(parts: {
    readonly path: string;
    readonly options: FileImportOptions;
    readonly source: Source;
    readonly plan: TablePlan;
    readonly size: number;
  }) {
    this.#path = parts.path;
    this.#options = parts.options;
    this.#source = parts.source;
    this.#plan = parts.plan;
    this.#size = parts.size;
  }

  /** Looks at the file and at the table. Throws an ImportError, or an error of the client. */
  static async open(db: Client, path: string, options: FileImportOptions): Promise<FileImport> {
    const size = await sizeOf(path);
    const source = await openSource(path, options);
    try {
      return new FileImport({
        path,
        options,
        source,
        size,
        plan: await planTable(db, source, options),
      });
    } catch (error) {
      source[Symbol.dispose]();
      throw error;
    }
  }

  /** What is to be done, in a few lines. */
  get description(): string {
    const { table, create, columns } = this.#plan;
    const { format, notes } = this.#source;
    const names = columns.map(({ name }) => name).join(", ");
    return [
      `${this.#path} (${format}, ${formatGoBytes(this.#size)}) to table ${table}`,
      ...notes,
      create === undefined
        ? `The table is there, and gets rows: ${names}`
        : `The table is made:\n${create}`,
    ].map((line) => `${line}\n`).join("");
  }

  /** Adds the rows, and says how many. Throws an ImportError, or an error of the client. */
  async run(db: Client, signal: AbortSignal): Promise<string> {
    const { skip, again, table } = this.#options;
    const hash = await fingerprint(this.#path, this.#source.isText);
    const progress = new ImportProgress(this.#size);
    let added = 0;
    let passed = 0;
    let earlier = 0;
    let time = "";
    try {
      ({ added, passed, earlier } = await runImport({
        db,
        source: this.#source,
        plan: this.#plan,
        identity: JSON.stringify([hash, ...this.#reading]),
        skip,
        again,
        progress: (rows, earlier, bytes) => progress.show(rows, earlier, bytes),
        signal,
      }));
    } finally {
      time = progress.end(added);
    }
    if (await fingerprint(this.#path, false) !== hash) {
      throw new ImportError(`File ${this.#path} was changed while it was read: look at ${table}`);
    }
    const before = earlier === 0
      ? ""
      : `; ${earlier} were there from an import of the same file (-again adds them again)`;
    const inTheWay = passed === 0 ? "" : `; ${passed} passed over, as their keys are there`;
    return `${added} rows added to ${table} ${time}${inTheWay}${before}\n`;
  }

  /** All that says which rows the file has, and what becomes of them. */
  get #reading(): readonly unknown[] {
    const { separator, hasHeader, from, onConflict, byPosition, skip } = this.#options;
    return [this.#source.format, separator, hasHeader, from, onConflict, byPosition, skip];
  }

  [Symbol.dispose](): void {
    this.#source[Symbol.dispose]();
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    const { isFile, size } = await Deno.stat(path);
    if (isFile) return size;
  } catch (error) {
    throw new ImportError(`File ${path} cannot be read: ${messageOf(error)}`);
  }
  throw new ImportError(`${path} is no file`);
}

async function openSource(path: string, options: FileImportOptions): Promise<Source> {
  switch (options.format ?? await formatOf(path)) {
    case "csv":
      return await openCsv(path, options);
    case "ndjson":
      return await openNdjson(path, [...options.types.keys()]);
    case "sqlite":
      return await openSqlite(path, options.from);
  }
}

const names: readonly (readonly [RegExp, Format])[] = [
  [/\.(csv|tsv)$/i, "csv"],
  [/\.(ndjson|jsonl)$/i, "ndjson"],
];
/** https://www.sqlite.org/fileformat.html#the_database_header */
const sqliteHeader = "SQLite format 3\0";

async function formatOf(path: string): Promise<Format> {
  using file = await Deno.open(path);
  const start = new Uint8Array(sqliteHeader.length);
  const length = await file.read(start) ?? 0;
  if (new TextDecoder().decode(start.subarray(0, length)) === sqliteHeader) return "sqlite";
  const found = names.find(([name]) => name.test(path))?.[1];
  if (found !== undefined) return found;
  throw new ImportError(
    `File ${path} has no name that says what it is: give -format ${formats.join("|")}`,
  );
}
