import { print } from "../output.ts";
import { parseAnswer } from "./answer.ts";
import type { DotCommand, DotCommands } from "./dot_commands.ts";
import { download } from "./downloads.ts";
import { isObject, parseExact } from "./exact_json.ts";
import { readFileOfStatements } from "./read_file.ts";
import { importFile } from "./import_command.ts";
import type { Session } from "./session.ts";
import { ShellError } from "./shell_error.ts";
import { systemDump } from "./system_dump.ts";
import { upload } from "./uploads.ts";
import type { Upload } from "./uploads.ts";

const backup: DotCommand = {
  usage: "FILE",
  help: "Write database backup to FILE",
  async run(session, file, signal) {
    requireFile("backup", file);
    const call = { method: "GET", path: "db/backup", repeatable: true } as const;
    const totalBytes = await databaseBytes(session, signal);
    await download(session, { call, path: file, label: "Backup", totalBytes }, signal);
    print("backup file written successfully\n");
  },
};

/** What a backup is going to have, about; undefined where the user may not know. */
async function databaseBytes(
  { client }: Session,
  signal: AbortSignal,
): Promise<number | undefined> {
  const parameters = { key: "store.sqlite3.db_size" };
  const call = { method: "GET", path: "status", parameters, repeatable: true } as const;
  const { status, text } = await client.call(call, signal);
  return status === 200 && /^[0-9]+\s*$/.test(text) ? Number(text) : undefined;
}

const dump: DotCommand = {
  usage: "FILE [TABLE,TABLE...]",
  help: "Dump the database in SQL text to FILE, optionally limited to TABLEs",
  async run(session, argument, signal) {
    const [, file = "", list = ""] = /^(\S+)\s*([^]*)$/.exec(argument) ?? [];
    requireFile("dump", file);
    const tables = list.split(",").map((table) => table.trim()).filter((table) => table !== "");
    const parameters = {
      fmt: "sql",
      ...(tables.length === 0 ? {} : { tables: tables.join(",") }),
    };
    const call = { method: "GET", path: "db/backup", parameters, repeatable: true } as const;
    await download(session, { call, path: file, label: "Dump" }, signal);
    print("SQL text file written successfully\n");
  },
};

const restore: DotCommand = {
  usage: "FILE",
  help: "Load using SQLite file or SQL dump contained in FILE",
  async run(session, path, signal) {
    requireFile("restore", path);
    const file = await upload(path, "Restore");
    try {
      const suffix = file.isSqlite ? "" : await foreignKeysSuffix(session, signal);
      const text = await session.client.text({
        method: "POST",
        path: "db/load",
        body: () => followedBy(file, suffix),
        contentType: file.isSqlite ? "application/octet-stream" : "text/plain",
        repeatable: false,
        unhurried: true,
      }, signal);
      const result = parseAnswer(text);
      if (!file.isSqlite && result.type === "change") {
        print(`last inserted ID: ${result.lastInsertId}\nrows affected: ${result.rowsAffected}\n`);
      }
    } finally {
      file.end();
    }
    print("Database restored successfully.\n");
  },
};

const boot: DotCommand = {
  usage: "FILE",
  help: "Boot the node using a SQLite file read from FILE",
  async run({ client }, path, signal) {
    requireFile("boot", path);
    const file = await upload(path, "Boot");
    try {
      if (!file.isSqlite) throw new ShellError(`File ${path} is not a valid SQLite file`);
      const { body } = file;
      await client.text(
        { method: "POST", path: "boot", body, repeatable: false, unhurried: true },
        signal,
      );
    } finally {
      file.end();
    }
    print("Node booted successfully.\n");
  },
};

const read: DotCommand = {
  usage: "FILE",
  help: "Read and execute SQL statements and commands from FILE",
  async run(session, path, signal) {
    requireFile("read", path);
    await readFileOfStatements(session, path, signal);
  },
};

const sysdump: DotCommand = {
  usage: "FILE",
  help: "Dump system diagnostics to FILE",
  async run(session, path, signal) {
    requireFile("sysdump", path);
    await systemDump(session, path, signal);
  },
};

function requireFile(command: string, file: string): void {
  if (file === "") throw new ShellError(`Command .${command} needs the name of a file`);
}

/**
 * A dump begins by turning foreign keys off, which on rqlite lasts: what is sent turns them to what
 * they were. On raftlite it holds for the load.
 */
async function foreignKeysSuffix({ client }: Session, signal: AbortSignal): Promise<string> {
  const call = { method: "GET", path: "status", repeatable: true } as const;
  const status = parseExact(await client.text(call, signal));
  if (!isObject(status) || !isObject(status.store)) {
    throw new ShellError("Answer of /status says nothing of the store");
  }
  if (isObject(status.build) && "raftlite_version" in status.build) return "";
  const { db_conf: settings } = status.store;
  const isOn = isObject(settings) && settings.fk_constraints === true;
  return `PRAGMA foreign_keys=${isOn ? "ON" : "OFF"};`;
}

async function* followedBy(file: Upload, suffix: string): AsyncGenerator<Uint8Array> {
  yield* file.body();
  if (suffix !== "") yield new TextEncoder().encode(suffix);
}

/** Commands that read or write files. */
export const fileCommands: DotCommands = {
  backup,
  boot,
  dump,
  import: importFile,
  read,
  restore,
  sysdump,
};
