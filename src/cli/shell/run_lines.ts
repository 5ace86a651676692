import { Input } from "./input.ts";
import type { Session } from "./session.ts";

/**
 * Runs what lines hold, one request after the other, until the signal; a request that fails does not
 * end it. False when the shell is to end.
 */
export async function runLines(
  session: Session,
  lines: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<boolean> {
  const input = new Input();
  let isFirst = true;
  for await (const line of lines) {
    const text = isFirst ? line.replace(/^\ufeff/, "") : line;
    isFirst = false;
    for (const request of input.push(text)) {
      if (!await session.run(request, signal)) return false;
      if (signal.aborted) return true;
    }
  }
  for (const request of input.end()) await session.run(request, signal);
  return true;
}
