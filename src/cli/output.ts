import { messageOf } from "../base/message_of.ts";

const encoder = new TextEncoder();

/** Standard output cannot be written; `cause` is a BrokenPipe when its reader has gone, as head does. */
export class OutputError extends Error {
  override name = "OutputError";
}

/** Writes text to standard output; throws an OutputError. */
export function print(text: string): void {
  try {
    writeAll(Deno.stdout, text);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new OutputError(`Standard output cannot be written: ${reason}`, { cause });
  }
}

/** Writes text to standard error, as far as that takes it: there is nowhere else to complain. */
export function printError(text: string): void {
  try {
    writeAll(Deno.stderr, text);
  } catch {
    // Nobody reads it.
  }
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let rest = encoder.encode(text);
  while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
}
