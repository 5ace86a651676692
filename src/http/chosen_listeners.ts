import { setOfListeners, socketLevel } from "./listening_sockets.ts";

/** SO_ATTACH_REUSEPORT_CBPF of Linux. */
const attachProgram = 51;

/** Places in the order in which listeners that share a port came. */
export interface ListenerPlaces {
  readonly from: number;
  readonly count: number;
}

/**
 * Has the system give new connections to these of the listeners that share this port, by chance
 * (socket(7), SO_REUSEPORT), so that others get to their end: without this they get some until they
 * are closed, and those that are not accepted yet are then reset. Where nobody is at the place, all
 * get some. When one is closed, the last takes its place. False where it cannot be had.
 */
export function chooseListeners(port: number, places: ListenerPlaces): boolean {
  return setOfListeners(port, {
    level: socketLevel,
    name: attachProgram,
    value: programOf(places),
  });
}

/** How many bytes a sock_fprog of 64 bits has, and one of its instructions. */
const headBytes = 16;
const instructionBytes = 8;

/** A sock_fprog, with the instructions behind it: how many they are, and where. */
function programOf({ from, count }: ListenerPlaces): Uint8Array<ArrayBuffer> {
  const instructions = [
    // BPF_LD | BPF_W | BPF_ABS, at SKF_AD_OFF + SKF_AD_RANDOM: a random number.
    { code: 0x20, operand: 0xfffff000 + 56 },
    // BPF_ALU | BPF_MOD | BPF_K, and BPF_ADD.
    { code: 0x94, operand: count },
    { code: 0x04, operand: from },
    // BPF_RET | BPF_A
    { code: 0x16, operand: 0 },
  ];
  const program = new Uint8Array(headBytes + instructions.length * instructionBytes);
  const view = new DataView(program.buffer);
  view.setUint16(0, instructions.length, true);
  const behind = Deno.UnsafePointer.of(program.subarray(headBytes));
  view.setBigUint64(8, BigInt(Deno.UnsafePointer.value(behind)), true);
  instructions.forEach(({ code, operand }, at) => {
    view.setUint16(headBytes + at * instructionBytes, code, true);
    view.setUint32(headBytes + at * instructionBytes + 4, operand, true);
  });
  return program.subarray(0, headBytes);
}
