import { ByteReader, FormatError } from "../../base/bytes.ts";
import { checksum } from "../../base/checksum.ts";
import { EntryType } from "../../raft/types.ts";
import type { BatchEntry } from "../apply/apply_batch.ts";
import {
  CommandFlag,
  CommandType,
  extrasIn,
  hasExtras,
  hasKey,
  headerBytes,
  requestBytes,
  unknownCommand,
  verifyCommand,
} from "./command_codec.ts";
import { enforcesForeignKeys, stampBytes, stampOf } from "./stamp.ts";
import { commandFault } from "./command_fault.ts";
import { StoreFailedError } from "../failures.ts";
import type { SqlSource } from "../../sqlite/mod.ts";
import type { IdempotencyKey, RequestId } from "../types.ts";

/** What a command says before what its type defines. */
export interface CommandHeader {
  readonly type: number;
  readonly flags: number;
  readonly request: RequestId | undefined;
  /** Of the user whose statements it has, by table; undefined for one of all tables. */
  readonly rights: string | undefined;
  readonly key: IdempotencyKey | undefined;
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

/** No command is in an entry, though it is what its leader made it: so it is on every node. */
export class MalformedCommandError extends Error {
  override name = "MalformedCommandError";
}

/** The last check before an entry takes effect: it is the next, and as its leader made it. */
export function verifyEntry(entry: BatchEntry, expectedIndex: number): void {
  if (entry.index !== expectedIndex) {
    throw new StoreFailedError(
      `Entry ${entry.index} cannot be applied: the next one is ${expectedIndex}`,
    );
  }
  if (entry.type !== EntryType.command) return;
  if (checksum(entry.data) !== entry.checksum) {
    throw new StoreFailedError(
      `${nameOf(entry)} is damaged and was not applied, nor will anything behind it be: its ` +
        "checksum does not match. Remove this node's data directory and let it join again",
    );
  }
}

/**
 * The last check of the command in a verified entry: it was not damaged on its way to the leader,
 * from the node that took the request, or in the leader. All nodes have that damage, and none can
 * mend it: the entry has an error for its result. A command that is sound and of a newer version
 * stops the node, which others, that know it, will carry out.
 */
export function verifyCommandIn(entry: BatchEntry): void {
  try {
    verifyCommand(entry.data.subarray(stampBytes));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new MalformedCommandError(error.message, { cause: error });
  }
  const unknown = unknownCommand(entry.data);
  if (unknown === undefined) return;
  throw new StoreFailedError(
    `${nameOf(entry)} cannot be applied, nor anything behind it: ${unknown}`,
  );
}

/** The result of a verified entry that holds no command after all; undefined when it holds one. */
export function malformedCommand(entry: BatchEntry): string | undefined {
  if (entry.type !== EntryType.command) return undefined;
  let fault: string | undefined;
  try {
    verifyCommandIn(entry);
    fault = commandFault(entry.data.subarray(stampBytes));
  } catch (error) {
    if (!(error instanceof MalformedCommandError)) throw error;
    fault = error.message;
  }
  return fault && `The write was damaged on its way to the leader, and was not done: ${fault}`;
}

function nameOf({ index, term }: BatchEntry): string {
  return `Entry ${index} (term ${term})`;
}

/** Reads the header of a command that was verified. */
export function readHeader({ data, view }: BatchEntry): CommandHeader {
  const type = view.getUint8(stampBytes + 5);
  const flags = view.getUint8(stampBytes + 6);
  const start = stampBytes + headerBytes;
  const identified = (flags & CommandFlag.request) !== 0;
  const request = identified
    ? {
      origin: view.getBigUint64(start, true),
      sequence: integerAt(view, start + 8),
      floor: integerAt(view, start + 16),
    }
    : undefined;
  const offset = identified ? start + requestBytes : start;
  if (!hasExtras(data)) return { type, flags, request, rights: undefined, key: undefined, offset };
  const reader = new ByteReader(data, offset);
  const { rights, key } = extrasIn(data, reader);
  return { type, flags, request, rights, key, offset: reader.offset };
}

function integerAt(view: DataView, at: number): number {
  if (view.getUint32(at + 4, true) > 0x1f_ffff) throw new FormatError("Number out of range");
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

/** Whether an entry's request has an idempotency key. Only looks: the entry is verified later. */
export function isKeyed(entry: BatchEntry): boolean {
  return entry.type === EntryType.command && hasKey(entry.data);
}

/** Whether an entry exchanges the whole database. Only looks: the entry is verified later. */
export function isLoadCommit(entry: BatchEntry): boolean {
  return isOfType(entry, CommandType.load_commit);
}

/** Whether an entry has a piece of a file that is loaded. Only looks. */
export function isLoadChunk(entry: BatchEntry): boolean {
  return isOfType(entry, CommandType.load_chunk);
}

function isOfType({ type, data }: BatchEntry, commandType: number): boolean {
  return type === EntryType.command && data[stampBytes + 5] === commandType;
}
