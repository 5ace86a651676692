import { setOfListeners, tcpLevel } from "./listening_sockets.ts";

/** TCP_NODELAY of Linux. */
const noDelay = 1;

/**
 * Has connections that the listeners on this port accept send what is written at once, as they take
 * this over from them (tcp(7)): else a second small piece waits until the client has acknowledged the
 * first, which it may put off for 40 ms. Deno does so for no connection over TLS, and has no way to
 * ask for it (2.4 to 2.9). Where it cannot be had, connections are as Deno makes them.
 */
export function sendAtOnce(port: number): void {
  setOfListeners(port, { level: tcpLevel, name: noDelay, value: new Uint32Array([1]) });
}
