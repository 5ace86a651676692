import { setOfListeners, tcpLevel } from "./listening_sockets.ts";

/** TCP_NOTSENT_LOWAT of Linux. */
const notSentLow = 25;

/**
 * Half of it must have gone before more is taken: some milliseconds' worth of a fast line, and of a slow
 * one not so much that its client seems to take nothing for as long as one is given up for.
 */
const unsentBytesMax = 512 * 1024;

/**
 * Has the system keep little of what is not on its way yet to the clients of the listeners on this port,
 * who take this over from them (tcp(7)): it would keep 4 MB of an answer for each, and take more only
 * once a third of that is gone, which at 32 KiB a second is after 40 seconds. What is on its way is not
 * counted, so that a long way is no slower. Where it cannot be had, the system keeps what it likes.
 */
export function keepLittleUnsent(port: number): void {
  setOfListeners(port, {
    level: tcpLevel,
    name: notSentLow,
    value: new Uint32Array([unsentBytesMax]),
  });
}
