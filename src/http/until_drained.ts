import type { Writable } from "node:stream";

/** Resolves when Node's stream to a client has taken what was written; rejects when it is closed before. */
export function untilDrained(out: Writable): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onDrain = () => {
    out.off("close", onClose);
    resolve();
  };
  const onClose = () => {
    out.off("drain", onDrain);
    reject(new Error("The client has gone"));
  };
  out.once("drain", onDrain);
  out.once("close", onClose);
  return promise;
}
