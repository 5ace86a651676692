import { checksum, joinChecksums } from "../../base/checksum.ts";
import { checksumInSlices, joinInSlices, type NextTurn } from "../../base/slices.ts";
import type { Stamp } from "../../store/types.ts";
import type { CommandCodec } from "../types.ts";

/** What goes into the log for a command. */
export interface EntryData {
  readonly data: Uint8Array;
  readonly checksum: number;
}

/**
 * A command made ready for the log in slices, all but its stamp: clock and seed are given to it at
 * the moment when it is proposed, and then only they are looked at.
 */
export class LongCommand {
  readonly #codec: CommandCodec;
  readonly #data: Uint8Array;
  /** Of what stands behind the stamp. */
  readonly #checksum: number;

  private constructor(codec: CommandCodec, data: Uint8Array, checksum: number) {
    this.#codec = codec;
    this.#data = data;
    this.#checksum = checksum;
  }

  static async prepare(
    command: Uint8Array,
    codec: CommandCodec,
    nextTurn: NextTurn,
  ): Promise<LongCommand> {
    const data = await joinInSlices([new Uint8Array(codec.stampBytes), command], nextTurn);
    const sum = await checksumInSlices(data.subarray(codec.stampBytes), nextTurn);
    return new LongCommand(codec, data, sum);
  }

  /** To be called once. */
  stamp(stamp: Stamp): EntryData {
    const { stampBytes } = this.#codec;
    this.#codec.writeStamp(this.#data, stamp);
    const front = checksum(this.#data.subarray(0, stampBytes));
    const length = this.#data.length - stampBytes;
    return { data: this.#data, checksum: joinChecksums(front, this.#checksum, length) };
  }
}
