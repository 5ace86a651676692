import { type Client, RaftliteError } from "@raftlite/client";
import { connectTo } from "../import/connection.ts";
import { FileImport, type FileImportOptions } from "../import/file_import.ts";
import { hasTable } from "../import/table_plan.ts";
import { ImportError, separatorOf } from "../import/types.ts";
import { print } from "../output.ts";
import type { DotCommand } from "./dot_commands.ts";
import { ShellError } from "./shell_error.ts";

const usage = "[--csv] [--skip N] FILE TABLE";

/** https://www.sqlite.org/cli.html#importing_files_as_csv_or_other_formats */
export const importFile: DotCommand = {
  usage,
  help: "Import the rows of FILE (CSV, NDJSON, SQLite) into TABLE, which is made if need be",
  async run({ client }, argument, signal) {
    const asked = argumentsIn(argument);
    const db = connectTo(client.access);
    try {
      using file = await FileImport.open(db, asked.path, await optionsFor(db, asked));
      print(await file.run(db, signal));
    } catch (error) {
      if (!(error instanceof ImportError || error instanceof RaftliteError)) throw error;
      throw new ShellError(error.message);
    } finally {
      await db.close();
    }
  },
};

interface Asked {
  readonly path: string;
  readonly table: string;
  readonly isCsv: boolean;
  readonly skip: number;
}

function argumentsIn(argument: string): Asked {
  const words = [...argument.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)]
    .map(([, double, single, plain]) => double ?? single ?? plain ?? "");
  const names: string[] = [];
  let isCsv = false;
  let skip = 0;
  while (words.length > 0) {
    const word = words.shift() ?? "";
    if (/^--?csv$/.test(word)) isCsv = true;
    else if (/^--?skip$/.test(word)) skip = countIn(words.shift());
    else if (word.startsWith("-")) throw new ShellError(`Unknown option ${word}: .import ${usage}`);
    else names.push(word);
  }
  const [path, table, another] = names;
  if (path === undefined || table === undefined || another !== undefined) {
    throw new ShellError(`Command .import needs a file and a table: .import ${usage}`);
  }
  return { path, table, isCsv, skip };
}

function countIn(word: string | undefined): number {
  if (word !== undefined && /^\d{1,15}$/.test(word)) return Number(word);
  throw new ShellError("Option --skip needs a number of rows");
}

/** As sqlite3's shell has it, the first row names the columns of a table that is to be made only. */
async function optionsFor(
  db: Client,
  { path, table, isCsv, skip }: Asked,
): Promise<FileImportOptions> {
  const isThere = await hasTable(db, table);
  return {
    table,
    format: isCsv ? "csv" : undefined,
    separator: separatorOf(path),
    hasHeader: !isThere,
    byPosition: isThere,
    skip,
    from: undefined,
    types: new Map(),
    onConflict: "fail",
    again: true,
  };
}
