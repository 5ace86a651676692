import { allocateSmall } from "../../base/bytes.ts";
import type { Stamp } from "../types.ts";

/** Bytes that the leader puts before a command: clock, flags and seed. */
export const stampBytes = 16;
const stampFlagsAt = 6;
const StampFlag = { foreignKeys: 1 } as const;

/**
 * The command as it goes into the log: the leader's clock and seed, whether it enforces foreign
 * keys, and the bytes unchanged. A clock before 1970 counts as 1970.
 */
export function stampCommand(
  command: Uint8Array,
  stamp: Stamp,
  foreignKeys: boolean,
): Uint8Array<ArrayBuffer> {
  const data = allocateSmall(stampBytes + command.length);
  writeStamp(data, stamp, foreignKeys);
  data.set(command, stampBytes);
  return data;
}

/** Writes what {@linkcode stampCommand} puts before a command. */
export function writeStamp(data: Uint8Array, stamp: Stamp, foreignKeys: boolean): void {
  const view = new DataView(data.buffer, data.byteOffset);
  const clock = Math.max(0, Math.trunc(stamp.clock));
  view.setUint32(0, clock % 0x1_0000_0000, true);
  view.setUint16(4, Math.floor(clock / 0x1_0000_0000), true);
  view.setUint16(stampFlagsAt, foreignKeys ? StampFlag.foreignKeys : 0, true);
  view.setBigUint64(8, BigInt.asUintN(64, stamp.seed), true);
}

/** What {@linkcode stampCommand} put before the command in `data`. */
export function stampOf(view: DataView): Stamp {
  return {
    clock: view.getUint16(4, true) * 0x1_0000_0000 + view.getUint32(0, true),
    seed: view.getBigUint64(8, true),
  };
}

/** Whether a stamped command is to be applied with foreign keys enforced, on every node. */
export function enforcesForeignKeys(view: DataView): boolean {
  return (view.getUint8(stampFlagsAt) & StampFlag.foreignKeys) !== 0;
}
