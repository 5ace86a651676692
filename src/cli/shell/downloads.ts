import { open, rename, rm, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { messageOf } from "../../base/message_of.ts";
import { refusal, textOf } from "./client.ts";
import type { Call } from "./client.ts";
import type { HttpAnswer } from "./http_exchange.ts";
import { Progress } from "./progress.ts";
import type { Session } from "./session.ts";
import { ShellError } from "./shell_error.ts";

export interface DownloadParts {
  readonly call: Call;
  /** Of the file. */
  readonly path: string;
  /** Of its progress. */
  readonly label: string;
  /** About how large the answer is, where that is known. */
  readonly totalBytes?: number | undefined;
}

/**
 * Writes the answer to a call into a file. What was there stays until all of the answer has reached
 * the disk; something that is no ordinary file, such as /dev/stdout, is written as it comes.
 */
export async function download(
  { client }: Session,
  { call, path, label, totalBytes }: DownloadParts,
  signal: AbortSignal,
): Promise<void> {
  const isPlain = await isOrdinary(path);
  const target = isPlain ? `${path}.part` : path;
  const progress = new Progress(label, totalBytes);
  try {
    await client.exchange(call, signal, async (answer) => {
      if (answer.status !== 200) throw refusal(answer.status, (await textOf(answer)).text);
      await save(answer, target, progress);
    });
    if (isPlain) await rename(target, path);
  } catch (error) {
    if (isPlain) await rm(target, { force: true });
    throw error;
  } finally {
    progress.end();
  }
}

async function save(answer: HttpAnswer, path: string, progress: Progress): Promise<void> {
  const file = await openToWrite(path);
  try {
    for await (const piece of answer.body) {
      await writeAll(file, piece);
      progress.add(piece.length);
    }
    if (path.endsWith(".part")) await file.sync();
  } finally {
    await file.close();
  }
}

/** Opens a file and empties it; throws a ShellError. */
export async function openToWrite(path: string): Promise<FileHandle> {
  try {
    return await open(path, "w");
  } catch (error) {
    throw new ShellError(`File ${path} cannot be written: ${messageOf(error)}`);
  }
}

/** Writes all of `bytes`; throws a ShellError. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < bytes.length;) {
      at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
    }
  } catch (error) {
    throw new ShellError(`File cannot be written: ${messageOf(error)}`);
  }
}

/** Whether a path is an ordinary file or none yet. */
async function isOrdinary(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return true;
  }
}
