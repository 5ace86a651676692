import type { Client } from "@raftlite/client";
import { formatGoBytes } from "../../base/go_bytes.ts";
import { messageOf } from "../../base/message_of.ts";
import { hasSqliteHeader } from "../sqlite_header.ts";
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

interface Parts {
  readonly path: string;
  readonly options: FileImportOptions;
  readonly source: Source;
  readonly plan: TablePlan;
  /** Of the file, in bytes. */
  readonly size: number;
}

/** A file that is to be imported, looked at. */
export class FileImport implements Disposable {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Looks at the file and at the table. Throws an ImportError, or an error of the client. */
  static async open(db: Client, path: string, options: FileImportOptions): Promise<FileImport> {
    const size = await sizeOf(path);
    const source = await openSource(path, options);
    try {
      const plan = await planTable(db, source, options);
      return new FileImport({ path, options, source, size, plan });
    } catch (error) {
      source[Symbol.dispose]();
      throw error;
    }
  }

  /** What is to be done, in a few lines. */
  get description(): string {
    const { path, size, plan: { table, create, columns }, source: { format, notes } } = this.#parts;
    const names = columns.map(({ name }) => name).join(", ");
    return [
      `${path} (${format}, ${formatGoBytes(size)}) to table ${table}`,
      ...notes,
      create === undefined
        ? `The table is there, and gets rows: ${names}`
        : `The table is made:\n${create}`,
    ].map((line) => `${line}\n`).join("");
  }

  /** Adds the rows, and says how many. Throws an ImportError, or an error of the client. */
  async run(db: Client, signal: AbortSignal): Promise<string> {
    const { path, size, source, plan, options: { skip, again, table } } = this.#parts;
    const hash = await fingerprint(path, source.isText);
    const progress = new ImportProgress(size);
    let added = 0;
    let passed = 0;
    let earlier = 0;
    let time = "";
    try {
      ({ added, passed, earlier } = await runImport({
        ...{ db, source, plan, skip, again, signal },
        identity: JSON.stringify([hash, ...this.#reading]),
        progress: (rows, earlier, bytes) => progress.show(rows, earlier, bytes),
      }));
    } finally {
      time = progress.end(added);
    }
    if (await fingerprint(path, false) !== hash) {
      throw new ImportError(`File ${path} was changed while it was read: look at ${table}`);
    }
    const before = earlier === 0
      ? ""
      : `; ${earlier} were there from an import of the same file (-again adds them again)`;
    const inTheWay = passed === 0 ? "" : `; ${passed} passed over, as their keys are there`;
    return `${added} rows added to ${table} ${time}${inTheWay}${before}\n`;
  }

  /** All that says which rows the file has, and what becomes of them. */
  get #reading(): readonly unknown[] {
    const { source, options } = this.#parts;
    const { separator, hasHeader, from, onConflict, byPosition, skip } = options;
    return [source.format, separator, hasHeader, from, onConflict, byPosition, skip];
  }

  [Symbol.dispose](): void {
    this.#parts.source[Symbol.dispose]();
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

async function formatOf(path: string): Promise<Format> {
  using file = await Deno.open(path);
  if (await hasSqliteHeader(file)) return "sqlite";
  const found = names.find(([name]) => name.test(path))?.[1];
  if (found !== undefined) return found;
  throw new ImportError(
    `File ${path} has no name that says what it is: give -format ${formats.join("|")}`,
  );
}
