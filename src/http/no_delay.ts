import { openCLibrary } from "./c_library.ts";
import { listenersOn } from "./listening_sockets.ts";

const symbols = {
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** IPPROTO_TCP and TCP_NODELAY of Linux. */
const tcpLevel = 6;
const noDelay = 1;

type Calls = Deno.DynamicLibrary<typeof symbols>["symbols"];

let calls: Calls | undefined;

/**
 * Has connections that the listeners on this port accept send what is written at once, as they take
 * this over from them (tcp(7)): else a second small piece waits until the client has acknowledged the
 * first, which it may put off for 40 ms. Deno does so for no connection over TLS, and has no way to
 * ask for it (2.4 to 2.9). Where it cannot be had, connections are as Deno makes them.
 */
export function sendAtOnce(port: number): void {
  calls ??= openCLibrary(symbols);
  const on = new Uint32Array([1]);
  for (const descriptor of listenersOn(port)) {
    calls?.setsockopt(descriptor, tcpLevel, noDelay, on, on.byteLength);
  }
}
