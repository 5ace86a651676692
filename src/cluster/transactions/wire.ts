import { type ByteReader, ByteWriter, FormatError } from "../../base/bytes.ts";
import { passStep } from "../../store/codec/script_codec.ts";
import type { IdempotencyKey } from "../../store/types.ts";
import { plainFormat } from "../../store/types.ts";

/** What a node asks of the leader's turns to write. */
export interface TurnCall {
  readonly operation: "take" | "renew" | "end";
  readonly transaction: string;
  /** How long it is kept, unless it is renewed, in ms. */
  readonly keptMs: number;
  readonly timeoutMs: number;
}

const operations = ["take", "renew", "end"] as const;

/** operation u8, transaction text, keptMs u64, timeoutMs u64. */
export function encodeTurn(call: TurnCall): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(64);
  writer.uint8(operations.indexOf(call.operation));
  writer.text(call.transaction);
  writer.integer(call.keptMs);
  writer.integer(call.timeoutMs);
  return writer.copy();
}

export function decodeTurn(reader: ByteReader): TurnCall {
  const operation = operations[reader.uint8()];
  if (operation === undefined) throw new FormatError("Unknown operation on a turn to write");
  const call = {
    operation,
    transaction: reader.text(),
    keptMs: reader.integer(),
    timeoutMs: reader.integer(),
  };
  reader.end();
  return call;
}

/** What is asked of a transaction at the node that has it. */
export type TransactionCall =
  & {
    readonly id: string;
    readonly user: string;
    readonly rights: string | undefined;
    readonly timeoutMs: number;
  }
  & (
    | { readonly type: "run"; readonly step: Uint8Array; readonly surelyWrites: boolean }
    | {
      readonly type: "commit";
      readonly key: Pick<IdempotencyKey, "name" | "keptSeconds"> | undefined;
    }
    | { readonly type: "rollback" }
  );

const types = ["run", "commit", "rollback"] as const;

/**
 * type u8, id text, user text, rights text ("" for all), timeoutMs u64; of a run whether it surely
 * writes u8, and the step; of a commit its key's name text ("" for none) and keptSeconds u32.
 */
export function encodeTransactionCall(call: TransactionCall): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.uint8(types.indexOf(call.type));
  writer.text(call.id);
  writer.text(call.user);
  writer.text(call.rights ?? "");
  writer.integer(call.timeoutMs);
  if (call.type === "run") {
    writer.uint8(call.surelyWrites ? 1 : 0);
    writer.raw(call.step);
  } else if (call.type === "commit") {
    writer.text(call.key?.name ?? "");
    writer.uint32(call.key?.keptSeconds ?? 0);
  }
  return writer.copy();
}

export function decodeTransactionCall(reader: ByteReader): TransactionCall {
  const type = types[reader.uint8()];
  const [id, user, rights] = [reader.text(), reader.text(), reader.text()];
  const common = {
    id,
    user,
    rights: rights === "" ? undefined : rights,
    timeoutMs: reader.integer(),
  };
  switch (type) {
    case "run": {
      const surelyWrites = reader.uint8() === 1;
      const step = passStep(reader).slice();
      reader.end();
      return { ...common, type, surelyWrites, step };
    }
    case "commit": {
      const name = reader.text();
      const keptSeconds = reader.uint32();
      reader.end();
      return { ...common, type, key: name === "" ? undefined : { name, keptSeconds } };
    }
    case "rollback":
      reader.end();
      return { ...common, type };
    default:
      throw new FormatError("Unknown operation on a transaction");
  }
}

/** What came of it: the results of a run, or the place of a commit in the log. */
export interface TransactionDone {
  readonly results: Uint8Array;
  readonly raftIndex: number;
  /** It had been committed before, under the same key. */
  readonly repeated: boolean;
}

export const nothingDone: TransactionDone = {
  results: new Uint8Array(0),
  raftIndex: 0,
  repeated: false,
};

/** Of a run its results as the rest; of a commit raftIndex u64, repeated u8. */
export function writeDone(
  writer: ByteWriter,
  type: TransactionCall["type"],
  { results, raftIndex, repeated }: TransactionDone,
): void {
  if (type === "run") writer.raw(results);
  if (type !== "commit") return;
  writer.integer(raftIndex);
  writer.uint8(repeated ? 1 : 0);
}

export function readDone(type: TransactionCall["type"], reader: ByteReader): TransactionDone {
  switch (type) {
    case "run":
      return { ...nothingDone, results: reader.raw(reader.remaining) };
    case "commit":
      return { ...nothingDone, raftIndex: reader.integer(), repeated: reader.uint8() === 1 };
    case "rollback":
      return nothingDone;
  }
}

/** The key of a commit, whose answer has no results. */
export function keyOf(
  key: Pick<IdempotencyKey, "name" | "keptSeconds"> | undefined,
  user: string,
): IdempotencyKey | undefined {
  return key && { ...key, user, format: plainFormat, asks: false };
}
