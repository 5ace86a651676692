import { setOfListeners, socketLevel } from "./listening_sockets.ts";

/** SO_ATTACH_REUSEPORT_CBPF of Linux. */
const attachProgram = 51;

/**
 * A program that answers 1 (BPF_RET | BPF_K): of two listeners that share a port the one that came
 * last, since the one that stays moves to the place 0. Where there is one only, the answer means
 * nothing, and it is taken.
 */
const returnOne = new Uint8Array([0x06, 0, 0, 0, 1, 0, 0, 0]);
const instructions = 1;

/**
 * Has the system give new connections to the newer of two listeners that share this port from now
 * on (socket(7), SO_REUSEPORT), so that an older one gets to its end: without this it gets some
 * until it is closed, and those that are not accepted yet are then reset. False where it cannot be had.
 */
export function preferNewestListener(port: number): boolean {
  const value = programOf(returnOne);
  return setOfListeners(port, { level: socketLevel, name: attachProgram, value });
}

/** A sock_fprog of 64 bits: how many instructions, and where they are. */
function programOf(filter: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const program = new Uint8Array(16);
  const view = new DataView(program.buffer);
  view.setUint16(0, instructions, true);
  view.setBigUint64(8, BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(filter))), true);
  return program;
}
