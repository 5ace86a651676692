import { clearImmediate, setImmediate } from "node:timers";
import { MessageChannel } from "node:worker_threads";
import { isDenoFrom } from "../base/deno_version.ts";
import type { Timer } from "./types.ts";

/**
 * Calls `callback` in the next turn of the event loop, when what is there to be read has been read.
 * Before 2.6 Deno's setImmediate takes over a millisecond, as the shortest of its timers does: there
 * it is a message to this thread itself, which takes 15 µs.
 */
export const inNextTurn: (callback: () => void) => Timer = isDenoFrom([2, 6])
  ? byImmediate
  : byMessage();

/** The turn by setImmediate, as Deno 2.6 and later have it. */
export function byImmediate(callback: () => void): Timer {
  const id = setImmediate(callback);
  return { cancel: () => clearImmediate(id) };
}

/** The turn by a message, as Deno 2.4 and 2.5 have it. */
export function byMessage(): (callback: () => void) => Timer {
  const { port1: here, port2: there } = new MessageChannel();
  let waiting = new Set<{ readonly callback: () => void }>();
  here.on("message", () => {
    const due = waiting;
    waiting = new Set();
    // It keeps the program from ending only while somebody waits.
    here.unref();
    for (const { callback } of due) callback();
  });
  here.unref();
  return (callback) => {
    const turn = waiting;
    const call = { callback };
    if (turn.add(call).size === 1) {
      here.ref();
      // Who reads it must be waiting: to a message that is already there Deno makes no turn.
      queueMicrotask(() => there.postMessage(undefined));
    }
    return { cancel: () => void turn.delete(call) };
  };
}
