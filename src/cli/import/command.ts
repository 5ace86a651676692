import { type Client, RaftliteError } from "@raftlite/client";
import { FlagError } from "../flag_error.ts";
import { print, printError } from "../output.ts";
import { connectTo } from "./connection.ts";
import { FileImport } from "./file_import.ts";
import { importHelp, type ImportRequest, parseImportFlags } from "./flags.ts";
import { ImportError } from "./types.ts";

/** raftlite import: adds the rows of a file to a table; resolves with the exit code. */
export async function importCommand(args: readonly string[]): Promise<number> {
  const request = parseImportFlags(args, Deno.env.get("RQLITE_HOST"));
  if (request === "help") {
    print(importHelp);
    return 0;
  }
  const db = connectTo(request.access);
  try {
    return await importFile(db, request);
  } catch (error) {
    if (!(error instanceof ImportError || error instanceof RaftliteError)) throw error;
    printError(`Error: ${error.message}\n`);
    return 1;
  } finally {
    await db.close();
  }
}

async function importFile(db: Client, { path, options, isSure }: ImportRequest): Promise<number> {
  using file = await FileImport.open(db, path, options);
  print(file.description);
  if (!isSure) {
    if (!Deno.stdin.isTerminal()) {
      throw new FlagError(2, "Nobody is there to be asked: look at the above, and give -y");
    }
    if (!confirm("Go on?")) return 1;
  }
  print(await file.run(db, new AbortController().signal));
  return 0;
}
