import assert from "node:assert/strict";
import { ByteWriter, FormatError } from "../../src/base/bytes.ts";
import { InvariantError } from "../../src/base/assert.ts";
import type { Message } from "../../src/raft/types.ts";
import { decodeMessage, encodeMessage, messageSize } from "../../src/transport/message_codec.ts";
import { append, entry, text } from "./fixture.ts";

const big = Number.MAX_SAFE_INTEGER;
const envelope = { from: "node-1", to: "nœud-2", term: 7 };

const samples: Message[] = [
  {
    ...envelope,
    type: "vote_request",
    preVote: true,
    lastLogIndex: big,
    lastLogTerm: 6,
    leadershipTransfer: false,
  },
  {
    ...envelope,
    type: "vote_request",
    preVote: false,
    lastLogIndex: 0,
    lastLogTerm: 0,
    leadershipTransfer: true,
  },
  { ...envelope, type: "vote_response", preVote: true, granted: false },
  { ...envelope, type: "vote_response", preVote: false, granted: true },
  {
    ...envelope,
    type: "append_request",
    prevLogIndex: 0x1_0000_0000,
    prevLogTerm: 3,
    commitIndex: 12,
    entries: [
      { ...entry(0x1_0000_0001, new Uint8Array(), 3), type: 0 },
      { ...entry(0x1_0000_0002, text("command"), 7), type: 1 },
      { ...entry(0x1_0000_0003, new Uint8Array(1000).fill(255), 7), type: 2 },
    ],
  },
  append("a", "b", []),
  {
    ...envelope,
    type: "append_response",
    success: true,
    matchIndex: 1,
    rejectedIndex: 2,
    hintIndex: 3,
    hintTerm: 4,
  },
  {
    ...envelope,
    type: "append_response",
    success: false,
    matchIndex: 0,
    rejectedIndex: big,
    hintIndex: big,
    hintTerm: big,
  },
  { ...envelope, type: "heartbeat_request", commitIndex: 5, round: 6 },
  { ...envelope, type: "heartbeat_response", round: 6, promiseMs: 450 },
  { ...envelope, type: "snapshot_request", index: 8, indexTerm: 9 },
  { ...envelope, type: "read_index_request", context: 1, mode: "quorum" },
  { ...envelope, type: "read_index_request", context: 2, mode: "lease" },
  { ...envelope, type: "read_index_response", context: 1, index: 0 },
  { ...envelope, type: "timeout_now" },
];

function encode(message: Message): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  encodeMessage(writer, message);
  return writer.copy();
}

Deno.test("decodeMessage() returns exactly what encodeMessage() was given", () => {
  for (const message of samples) assert.deepEqual(decodeMessage(encode(message)), message);
});

Deno.test("messageSize() is never less than the bytes written, and not much more", () => {
  for (const message of samples) {
    const { length } = encode(message);
    assert.ok(messageSize(message) >= length, message.type);
    assert.ok(messageSize(message) <= length + 64, message.type);
  }
});

Deno.test("decodeMessage() takes no message that is cut short or goes on", () => {
  for (const message of samples) {
    const bytes = encode(message);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => decodeMessage(bytes.subarray(0, length)), FormatError);
    }
    assert.throws(() => decodeMessage(new Uint8Array([...bytes, 0])), FormatError);
  }
});

Deno.test("decodeMessage() takes no entry that is damaged, of unknown type or out of its term", () => {
  const sound = append("a", "b", [entry(4, text("data"), 5)]);
  assert.ok(sound.type === "append_request");
  const refused = (change: object, pattern: RegExp) => {
    const bytes = encode({ ...sound, ...change });
    assert.throws(() => decodeMessage(bytes), { name: "FormatError", message: pattern });
  };
  refused({ entries: [{ ...entry(4, text("data"), 5), checksum: 0 }] }, /Entry 4 is damaged/);
  refused({ entries: [{ ...entry(4, text("data"), 5), type: 3 }] }, /unknown type 3/);
  refused({ entries: [entry(4, text("data"), 6)] }, /Entry 4 has term 6, outside 1–5/);
  refused({ entries: [entry(4, text("data"), 0)] }, /Entry 4 has term 0/);
  refused({ prevLogTerm: 5, entries: [entry(4, text("data"), 4)] }, /Entry 4 has term 4/);
  refused({ entries: [entry(4, text(""), 5), entry(5, text(""), 4)] }, /Entry 5 has term 4/);
  const last = { prevLogIndex: Number.MAX_SAFE_INTEGER, entries: [] };
  assert.deepEqual(decodeMessage(encode({ ...sound, ...last })), { ...sound, ...last });
});

Deno.test("decodeMessage() takes no number of entries that cannot be there", () => {
  const bytes = encode(append("a", "b", []));
  new DataView(bytes.buffer).setUint32(bytes.length - 4, 0xffff_ffff, true);
  assert.throws(() => decodeMessage(bytes), /4294967295 entries cannot fit in 0 bytes/);
});

Deno.test("decodeMessage() takes only 0 and 1 for a boolean", () => {
  const bytes = encode({ ...envelope, type: "read_index_request", context: 1, mode: "lease" });
  bytes[bytes.length - 1] = 2;
  assert.throws(() => decodeMessage(bytes), FormatError);
});

Deno.test("encodeMessage() does not write entries that are not in a row", () => {
  const gap = append("a", "b", [entry(1, text("")), entry(3, text(""))]);
  assert.throws(() => encode(gap), InvariantError);
});
