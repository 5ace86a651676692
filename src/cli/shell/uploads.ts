import { messageOf } from "../../base/message_of.ts";
import { hasSqliteHeader } from "../sqlite_header.ts";
import { Progress } from "./progress.ts";
import { ShellError } from "./shell_error.ts";

const pieceBytes = 256 * 1024;

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
    const progress = new Progress(label, size);
    return {
      isSqlite: await hasSqliteHeader(file),
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
