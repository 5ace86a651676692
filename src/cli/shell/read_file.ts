import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { messageOf } from "../../base/message_of.ts";
import { runLines } from "./run_lines.ts";
import type { Session } from "./session.ts";
import { Quit, ShellError } from "./shell_error.ts";

/** A file may read another one, so deep. */
const depthMax = 16;
const depths = new WeakMap<Session, number>();

/** Runs what is in a file; throws a ShellError when it cannot be read, and Quit when it says so. */
export async function readFileOfStatements(
  session: Session,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const depth = depths.get(session) ?? 0;
  if (depth >= depthMax) throw new ShellError(`Files read each other too deep: ${path}`);
  await checkReadable(path);
  depths.set(session, depth + 1);
  try {
    const input = createReadStream(path);
    const lines = createInterface({ input, crlfDelay: Infinity, terminal: false });
    if (!await runLines(session, lines, signal)) throw new Quit();
  } finally {
    depths.set(session, depth);
  }
}

async function checkReadable(path: string): Promise<void> {
  try {
    if (!(await stat(path)).isDirectory()) return;
  } catch (error) {
    throw new ShellError(`File ${path} cannot be read: ${messageOf(error)}`);
  }
  throw new ShellError(`File ${path} cannot be read: it is a directory`);
}
