import { ByteReader, ByteWriter } from "../../src/base/bytes.ts";
import type { CommandCodec } from "../../src/node/types.ts";

/** Appends `value`, which no other command has, to the list of `key`. */
export interface ToyCommand {
  /** 0 when the request has no id. */
  readonly origin: bigint;
  readonly sequence: number;
  readonly floor: number;
  readonly key: number;
  readonly value: number;
}

const stampBytes = 16;

export function encodeToyCommand(command: ToyCommand): Uint8Array {
  const writer = new ByteWriter(29);
  writer.uint64(command.origin);
  writer.integer(command.sequence);
  writer.integer(command.floor);
  writer.uint8(command.key);
  writer.uint32(command.value);
  return writer.copy();
}

/** Reads the command behind the leader's stamp. */
export function decodeToyCommand(data: Uint8Array): ToyCommand {
  const reader = new ByteReader(data, stampBytes);
  const command = {
    origin: reader.uint64(),
    sequence: reader.integer(),
    floor: reader.integer(),
    key: reader.uint8(),
    value: reader.uint32(),
  };
  reader.end();
  return command;
}

/** The leader's clock and seed, 8 bytes each, and the command. */
export const toyCodec: CommandCodec = {
  stamp(command, { clock, seed }) {
    const writer = new ByteWriter(stampBytes + command.length);
    writer.integer(clock);
    writer.uint64(seed);
    writer.raw(command);
    return writer.copy();
  },
  stampBytes,
  writeStamp(data, { clock, seed }) {
    data.set(this.stamp(new Uint8Array(0), { clock, seed }));
  },
  fault: () => undefined,
  unknown: () => undefined,
  versionNeeded: () => 1,
  isUnseen: () => false,
  isScrub: () => false,
  requestId(data) {
    if (data.length <= stampBytes) return undefined;
    const { origin, sequence } = decodeToyCommand(data);
    return origin === 0n ? undefined : { origin, sequence };
  },
};
