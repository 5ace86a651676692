import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { Progress } from "./progress.ts";
import { messageOf, ShellError } from "./shell_error.ts";

const pieceBytes = 256 * 1024;
/** https://www.sqlite.org/fileformat.html#the_database_header */
const sqliteHeader = "SQLite format 3\0";

/** A file that is to be sent to a node. */
export interface Upload {
  readonly isSqlite: boolean;
  /** Its bytes, from the start each time that it is called. */
  readonly body: () => AsyncIterable<Uint8Array>;
  /** Ends the display of the progress. */
  end(): void;
}

/** Looks into a file; throws a ShellError when it cannot be read. */
export async function upload(path: string, label: string): Promise<Upload> {
  const file = await openToRead(path);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(new Uint8Array(sqliteHeader.length), 0);
    const progress = new Progress(label, size);
    return {
      isSqlite: new TextDecoder().decode(buffer.subarray(0, bytesRead)) === sqliteHeader,
      body: () => read(path, progress),
      end: () => progress.end(),
    };
  } catch (error) {
    throw new ShellError(`File ${path} cannot be read: ${messageOf(error)}`);
  } finally {
    await file.close();
  }
}

async function openToRead(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw new ShellError(`File ${path} cannot be read: ${messageOf(error)}`);
  }
}

async function* read(path: string, progress: Progress): AsyncGenerator<Uint8Array> {
  const file = await openToRead(path);
  try {
    for (;;) {
      const { buffer, bytesRead } = await file.read(new Uint8Array(pieceBytes), 0);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      progress.add(bytesRead);
    }
  } finally {
    await file.close();
  }
}
