import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteWriter, FormatError } from "../../src/base/bytes.ts";
import { checksum } from "../../src/base/checksum.ts";
import type { Entry, EntryType, Message } from "../../src/raft/types.ts";
import { FrameDecoder, FrameType, writeFrame } from "../../src/transport/frame.ts";
import {
  checkPreamble,
  decodeHello,
  decodeReject,
  encodeOpening,
  preambleBytes,
} from "../../src/transport/handshake.ts";
import { decodeMessage, encodeMessage } from "../../src/transport/message_codec.ts";
import {
  decodeAnswer,
  decodeCancel,
  decodeFailure,
  decodeRequest,
} from "../../src/transport/request_frames.ts";
import {
  decodeStreamAbort,
  decodeStreamEnd,
  decodeStreamOpen,
} from "../../src/transport/stream_frames.ts";

/** Another one each run; `RAFTLITE_FUZZ_SEED` repeats one. */
const seed = Number(Deno.env.get("RAFTLITE_FUZZ_SEED") ?? Date.now() % 0x7fff_ffff);
const parameters = { seed, numRuns: 2000 };

function test(name: string, body: () => void): void {
  Deno.test(name, () => {
    try {
      body();
    } catch (error) {
      throw new Error(`With RAFTLITE_FUZZ_SEED=${seed}: ${error}`, { cause: error });
    }
  });
}

const number = fc.oneof(fc.nat(), fc.maxSafeNat());
const id = fc.string({ maxLength: 12, unit: "binary" });
const envelope = { from: id, to: id, term: number };

const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });

/** Entries as a leader of `term` sends them. */
function appendRequest(
  fields: { from: string; to: string; term: number; prev: number; data: Uint8Array[] },
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

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ ...envelope, prev: fc.nat(), data: entries }).map(appendRequest),
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

function encode(value: Message): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  encodeMessage(writer, value);
  return writer.copy();
}

/** Bytes changed, cut out or put in at some places. */
const damage = fc.array(
  fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 4 }),
    insert: fc.uint8Array({ maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 4 },
);

function damaged(
  bytes: Uint8Array,
  changes: { at: number; remove: number; insert: Uint8Array }[],
): Uint8Array {
  const list = [...bytes];
  for (const { at, remove, insert } of changes) {
    list.splice(at % (list.length + 1), remove, ...insert);
  }
  return new Uint8Array(list);
}

/** Runs `decode`; anything thrown but a FormatError is a failure. */
function onlyFormatErrors<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

const bodyDecoders = [
  decodeMessage,
  decodeHello,
  decodeReject,
  decodeRequest,
  decodeAnswer,
  decodeFailure,
  decodeCancel,
  decodeStreamOpen,
  decodeStreamEnd,
  decodeStreamAbort,
];

/** Feeds a decoder as a connection would, in pieces, until it ends or throws. */
function feed(bytes: Uint8Array, piece: number): void {
  const decoder = new FrameDecoder(100_000);
  for (let at = 0; at < bytes.length;) {
    const space = decoder.space();
    const count = Math.min(space.length, piece, bytes.length - at);
    space.set(bytes.subarray(at, at + count));
    decoder.advance(count);
    at += count;
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
      for (const decodeBody of bodyDecoders) {
        const { body } = frame;
        onlyFormatErrors(() => void decodeBody(body));
      }
    }
  }
}

test("decodeMessage() gives back any message", () => {
  fc.assert(
    fc.property(message, (value) => {
      assert.deepEqual(decodeMessage(encode(value)), { ...value });
    }),
    parameters,
  );
});

test("The decoders of bodies throw nothing but a FormatError at random bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const decodeBody of bodyDecoders) onlyFormatErrors(() => void decodeBody(bytes));
    }),
    parameters,
  );
});

test("decodeMessage() throws nothing but a FormatError at a damaged message", () => {
  fc.assert(
    fc.property(message, damage, (value, changes) => {
      const bytes = damaged(encode(value), changes);
      const decoded = onlyFormatErrors(() => decodeMessage(bytes));
      // What still passes is a message that a sound node could have sent.
      if (decoded !== undefined) assert.deepEqual([...encode(decoded)], [...bytes]);
    }),
    parameters,
  );
});

test("FrameDecoder throws nothing but a FormatError at random bytes", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 500 }),
      fc.integer({ min: 1, max: 100 }),
      (bytes, n) => onlyFormatErrors(() => feed(bytes, n)),
    ),
    parameters,
  );
});

test("FrameDecoder throws nothing but a FormatError at damaged frames", () => {
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 4 }),
      damage,
      fc.integer({ min: 1, max: 300 }),
      (messages, changes, piece) => {
        const writer = new ByteWriter();
        for (const each of messages) writeFrame(writer, FrameType.message, encode(each));
        onlyFormatErrors(() => feed(damaged(writer.view(), changes), piece));
      },
    ),
    { ...parameters, numRuns: 500 },
  );
});

test("checkPreamble() throws nothing but a FormatError, and takes only its own", () => {
  const own = encodeOpening({ rejected: "" }).slice(0, preambleBytes);
  fc.assert(
    fc.property(damage, fc.nat({ max: preambleBytes }), (changes, length) => {
      const bytes = damaged(own, changes).subarray(0, length);
      onlyFormatErrors(() => checkPreamble(bytes));
      assert.equal(checkPreamble(own.subarray(0, length)), length === preambleBytes);
    }),
    parameters,
  );
});
