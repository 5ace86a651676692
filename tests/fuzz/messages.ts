import fc from "fast-check";
import { ByteWriter } from "../../src/base/bytes.ts";
import { checksum } from "../../src/base/checksum.ts";
import type { Entry, EntryType, Message } from "../../src/raft/types.ts";
import { encodeMessage } from "../../src/transport/message_codec.ts";

export const anyNumber = fc.oneof(fc.nat(), fc.maxSafeNat());
const anyEntries = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });

/** Where the messages' ids and numbers come from. */
interface Sources {
  readonly from: fc.Arbitrary<string>;
  readonly to: fc.Arbitrary<string>;
  /** Terms, indexes and the like. */
  readonly number: fc.Arbitrary<number>;
  /** The index that entries follow. */
  readonly prev: fc.Arbitrary<number>;
  /** The data of entries; its place in the list decides about each one's type. */
  readonly entries?: fc.Arbitrary<readonly Uint8Array[]>;
}

/** Entries as a leader of `term` sends them. */
function appendRequest(
  fields: { from: string; to: string; term: number; prev: number; data: readonly Uint8Array[] },
): Message {
  const { from, to, prev, data } = fields;
  const term = Math.max(1, fields.term);
  const list = data.map((bytes, i): Entry => ({
    term,
    index: prev + 1 + i,
    type: i % 3 as EntryType,
    data: bytes,
    checksum: checksum(bytes),
  }));
  return {
    type: "append_request",
    from,
    to,
    term,
    prevLogIndex: prev,
    prevLogTerm: Math.min(term, prev),
    commitIndex: prev,
    entries: list,
  };
}

/** Raft messages of every type. */
export function messages(sources: Sources): fc.Arbitrary<Message> {
  const { from, to, number, prev, entries = anyEntries } = sources;
  const envelope = { from, to, term: number };
  return fc.oneof(
    fc.record({ ...envelope, prev, data: entries }).map(appendRequest),
    fc.record({
      type: fc.constant("vote_request" as const),
      ...envelope,
      preVote: fc.boolean(),
      lastLogIndex: number,
      lastLogTerm: number,
      leadershipTransfer: fc.boolean(),
    }),
    fc.record({
      type: fc.constant("vote_response" as const),
      ...envelope,
      preVote: fc.boolean(),
      granted: fc.boolean(),
    }),
    fc.record({
      type: fc.constant("append_response" as const),
      ...envelope,
      success: fc.boolean(),
      matchIndex: number,
      rejectedIndex: number,
      hintIndex: number,
      hintTerm: number,
    }),
    fc.record({
      type: fc.constant("heartbeat_request" as const),
      ...envelope,
      commitIndex: number,
      round: number,
    }),
    fc.record({
      type: fc.constant("heartbeat_response" as const),
      ...envelope,
      round: number,
      promiseMs: number,
    }),
    fc.record({
      type: fc.constant("snapshot_request" as const),
      ...envelope,
      index: number,
      indexTerm: number,
    }),
    fc.record({
      type: fc.constant("read_index_request" as const),
      ...envelope,
      context: number,
      mode: fc.constantFrom("quorum" as const, "lease" as const),
    }),
    fc.record({
      type: fc.constant("read_index_response" as const),
      ...envelope,
      context: number,
      index: number,
    }),
    fc.record({ type: fc.constant("timeout_now" as const), ...envelope }),
  );
}

export function encode(value: Message): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  encodeMessage(writer, value);
  return writer.copy();
}
