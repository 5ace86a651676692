import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteWriter, FormatError } from "../../src/base/bytes.ts";
import { FrameDecoder, FrameType, writeFrame } from "../../src/transport/frame.ts";
import {
  decodeHello,
  decodeReject,
  encodeOpening,
  preambleBytes,
  readPreamble,
} from "../../src/transport/handshake.ts";
import { decodeMessage } from "../../src/transport/message_codec.ts";
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
import { damage, damaged, seed, test } from "./damage.ts";
import { firstVersion } from "../../src/raft/cluster_version.ts";
import { anyNumber, encode, messages } from "./messages.ts";

const parameters = { seed, numRuns: 2000 };

const id = fc.string({ maxLength: 12, unit: "binary" });
const message = messages({ from: id, to: id, number: anyNumber, prev: fc.nat() });

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
  (body: Uint8Array) => decodeHello(body, firstVersion),
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

test("readPreamble() throws nothing but a FormatError, and takes only its own", () => {
  const own = encodeOpening({ rejected: "", version: 7 }).slice(0, preambleBytes);
  fc.assert(
    fc.property(damage, fc.nat({ max: preambleBytes }), (changes, length) => {
      const bytes = damaged(own, changes).subarray(0, length);
      onlyFormatErrors(() => readPreamble(bytes));
      const whole = length === preambleBytes;
      assert.equal(readPreamble(own.subarray(0, length)), whole ? 7 : undefined);
    }),
    parameters,
  );
});
