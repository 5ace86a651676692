import { FormatError } from "../../base/bytes.ts";
import { checksum } from "../../base/checksum.ts";
import { messageOf } from "../../base/message_of.ts";
import { EntryType } from "../../raft/types.ts";
import type { BatchEntry } from "../apply/apply_batch.ts";
import {
  CommandFlag,
  CommandType,
  enforcesForeignKeys,
  headerBytes,
  requestBytes,
  stampBytes,
  stampOf,
  verifyCommand,
} from "./command_codec.ts";
import { StoreFailedError } from "../failures.ts";
import type { SqlSource } from "../../sqlite/mod.ts";
import type { RequestId } from "../types.ts";

/** What a command says before what its type defines. */
export interface CommandHeader {
  readonly type: number;
  readonly flags: number;
  readonly request: RequestId | undefined;
  /** Where the rest starts, from the start of the entry's data. */
  readonly offset: number;
}

/** An execute command as it is being run. */
export interface Execution {
  /** The leader's clock, in ms since 1970 UTC, and its random number. */
  readonly clock: number;
  readonly seed: bigint;
  readonly timeoutMs: number;
  readonly transaction: boolean;
  /** The first error ends the request: it is a transaction, or has begun one, or what failed was to bound one. */
  stopsAtError: boolean;
  readonly unified: boolean;
  /** In the transaction of a batch, of which other entries are part. */
  readonly inBatch: boolean;
  /** Where the encoded statements start in the entry's data. */
  readonly offset: number;
  /** Does a statement of a load in SQLite's place, and moves on behind it; false when it does not. */
  readonly takes?: (source: SqlSource) => boolean;
  /** Statements run so far: numbers the randomness of the next. */
  counter: number;
}

/**
 * The last check before an entry takes effect: it is the next one, and neither it nor the command
 * inside it was damaged on its way here from the leader, or from the node that took the request.
 */
export function verifyEntry(entry: BatchEntry, expectedIndex: number): void {
  if (entry.index !== expectedIndex) {
    throw new StoreFailedError(
      `Entry ${entry.index} cannot be applied: the next one is ${expectedIndex}`,
    );
  }
  if (entry.type !== EntryType.command) return;
  try {
    if (checksum(entry.data) !== entry.checksum) {
      throw new FormatError("Entry damaged: its checksum does not match");
    }
    verifyCommand(entry.data.subarray(stampBytes));
  } catch (error) {
    throw new StoreFailedError(
      `Entry ${entry.index} (term ${entry.term}) is damaged and was not applied, nor will anything ` +
        `behind it be: ${
          messageOf(error)
        }. Remove this node's data directory and let it join again`,
      { cause: error },
    );
  }
}

/** Reads the header of a command that was verified. */
export function readHeader({ view }: BatchEntry): CommandHeader {
  const type = view.getUint8(stampBytes + 5);
  const flags = view.getUint8(stampBytes + 6);
  const start = stampBytes + headerBytes;
  if ((flags & CommandFlag.request) === 0) {
    return { type, flags, request: undefined, offset: start };
  }
  const request = {
    origin: view.getBigUint64(start, true),
    sequence: integerAt(view, start + 8),
    floor: integerAt(view, start + 16),
  };
  return { type, flags, request, offset: start + requestBytes };
}

function integerAt(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}

export function executionOf(
  { view }: BatchEntry,
  { flags, offset }: CommandHeader,
  inBatch: boolean,
  counter: number,
): Execution {
  const { clock, seed } = stampOf(view);
  const transaction = (flags & CommandFlag.transaction) !== 0;
  return {
    clock,
    seed,
    timeoutMs: view.getUint32(offset, true),
    transaction,
    stopsAtError: transaction,
    unified: (flags & CommandFlag.unified) !== 0,
    inBatch,
    offset: offset + 4,
    counter,
  };
}

/** Whether the flag of an entry's leader enforces foreign keys; undefined when it makes no difference. */
export function foreignKeysOf(entry: BatchEntry): boolean | undefined {
  return entry.type === EntryType.command && entry.data.length > stampBytes
    ? enforcesForeignKeys(entry.view)
    : undefined;
}

/** Whether an entry exchanges the whole database. Only looks: the entry is verified later. */
export function isLoadCommit(entry: BatchEntry): boolean {
  return entry.type === EntryType.command &&
    entry.data[stampBytes + 5] === CommandType.load_commit;
}
