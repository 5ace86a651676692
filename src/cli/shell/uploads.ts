import { messageOf } from "../../base/message_of.ts";
import { Progress } from "./progress.ts";
import { ShellError } from "./shell_error.ts";

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
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    const start = new Uint8Array(sqliteHeader.length);
    const length = await file.read(start) ?? 0;
    const progress = new Progress(label, size);
    return {
      isSqlite: new TextDecoder().decode(start.subarray(0, length)) === sqliteHeader,
      body: () => read(path, progress),
      end: () => progress.end(),
    };
  } catch (error) {
    throw new ShellError(`File ${path} cannot be read: ${messageOf(error)}`);
  }
}

async function* read(path: string, progress: Progress): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  for (;;) {
    const piece = new Uint8Array(pieceBytes);
    const length = await file.read(piece);
    if (length === null) return;
    yield piece.subarray(0, length);
    progress.add(length);
  }
}
