import { PeerRefusal } from "../io/types.ts";
import { assert } from "../base/assert.ts";
import { type ByteWriter, copySmall, FormatError } from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";

/** What a frame is for; README.md has the layout of each body. */
export const FrameType = {
  hello: 1,
  reject: 2,
  message: 3,
  request: 4,
  answer: 5,
  failure: 6,
  cancel: 7,
  ping: 8,
  pong: 9,
  streamOpen: 10,
  streamChunk: 11,
  streamEnd: 12,
  streamAbort: 13,
  piece: 14,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export interface Frame {
  readonly type: FrameType;
  /**
   * No buffer is used again behind the reader's back; that of a request or an answer may be shared with
   * others, and must not be transferred to a Worker.
   */
  readonly body: Uint8Array;
}

const frameVersion = 1;
/** CRC-32, length, version, type. */
export const frameHeaderBytes = 10;

/** Entries of the log, which messages bring, may be kept for long, and would keep their neighbours. */
function isShortLived(type: FrameType): boolean {
  return type === FrameType.request || type === FrameType.answer;
}

const frameTypeMax = Math.max(...Object.values(FrameType));
const readBytes = 64 * 1024;

/** Starts a frame in `writer`; returns what {@linkcode endFrame} needs. */
export function beginFrame(writer: ByteWriter, type: FrameType): number {
  const start = writer.length;
  writer.uint32(0);
  writer.uint32(0);
  writer.uint8(frameVersion);
  writer.uint8(type);
  return start;
}

/** Fills in the length and the CRC of the frame begun at `start`. */
export function endFrame(writer: ByteWriter, start: number): void {
  const bodyBytes = writer.length - start - frameHeaderBytes;
  assert(bodyBytes >= 0, "A frame ended before its header did");
  writer.setUint32(start + 4, bodyBytes);
  writer.setUint32(start, checksum(writer.view().subarray(start + 4)));
}

/** Writes a whole frame whose body is `parts` in a row. */
export function writeFrame(writer: ByteWriter, type: FrameType, ...parts: Uint8Array[]): void {
  const start = beginFrame(writer, type);
  for (const part of parts) writer.raw(part);
  endFrame(writer, start);
}

function isFrameType(type: number): type is FrameType {
  return type >= 1 && type <= frameTypeMax;
}

export interface FrameHeader {
  readonly checksum: number;
  /** Of the body. */
  readonly length: number;
  readonly type: FrameType;
}

/** Reads the header at `start`; throws a FormatError unless a frame may begin with it. */
export function readFrameHeader(view: DataView, start: number, bodyBytesMax: number): FrameHeader {
  const length = view.getUint32(start + 4, true);
  const version = view.getUint8(start + 8);
  const type = view.getUint8(start + 9);
  if (version !== frameVersion) throw new FormatError(`Frame of unknown version ${version}`);
  if (!isFrameType(type)) throw new FormatError(`Frame of unknown type ${type}`);
  if (length > bodyBytesMax) {
    throw new FormatError(`Frame of ${length} bytes is over the limit of ${bodyBytesMax}`);
  }
  return { checksum: view.getUint32(start, true), length, type };
}

/** Throws a FormatError unless `sum` is the checksum that the header has. */
export function checkFrame({ checksum, type, length }: FrameHeader, sum: number): void {
  if (sum === checksum) return;
  throw new FormatError(`Frame of type ${type} and ${length} bytes is damaged: wrong CRC`);
}

/**
 * Cuts a byte stream into frames: read into `space()`, tell `advance()` how much came, take `next()`
 * until there is none. Throws a FormatError for a frame of another version, of an unknown type, too
 * large, or damaged. Memory grows only with what has arrived, never with what a header promises.
 */
export class FrameDecoder {
  /** Larger bodies are an error. */
  bodyBytesMax: number;
  #buffer = new Uint8Array(readBytes);
  #view = new DataView(this.#buffer.buffer);
  #start = 0;
  #end = 0;

  constructor(bodyBytesMax: number) {
    this.bodyBytesMax = bodyBytesMax;
  }

  /** Where the next bytes of the stream go; never empty. */
  space(): Uint8Array {
    const arrived = this.#end - this.#start;
    if (arrived === 0) {
      this.#start = 0;
      this.#end = 0;
    } else {
      const needed = this.#needed();
      if (this.#end === this.#buffer.length || this.#start + needed > this.#buffer.length) {
        this.#makeRoom(needed);
      }
    }
    assert(this.#end < this.#buffer.length, "Bytes were read before the frame that came was taken");
    return this.#buffer.subarray(this.#end);
  }

  advance(count: number): void {
    this.#end += count;
    assert(this.#end <= this.#buffer.length, "More bytes came than there was space for");
  }

  /** The first `count` bytes, left in place; fewer while they have not come. */
  peek(count: number): Uint8Array {
    return this.#buffer.subarray(this.#start, Math.min(this.#end, this.#start + count));
  }

  /** Steps over bytes that are not part of a frame. */
  skip(count: number): void {
    this.#start = Math.min(this.#end, this.#start + count);
  }

  /** The next whole frame; undefined until more has come. */
  next(): Frame | undefined {
    const arrived = this.#end - this.#start;
    if (arrived < frameHeaderBytes) return undefined;
    const header = readFrameHeader(this.#view, this.#start, this.bodyBytesMax);
    const whole = frameHeaderBytes + header.length;
    if (arrived < whole) return undefined;
    const end = this.#start + whole;
    checkFrame(header, checksum(this.#buffer.subarray(this.#start + 4, end)));
    return {
      type: header.type,
      body: this.#take(header.type, this.#start + frameHeaderBytes, end),
    };
  }

  #take(type: FrameType, from: number, to: number): Uint8Array {
    this.#start = to;
    if (this.#buffer.length === readBytes) {
      return isShortLived(type)
        ? copySmall(this.#buffer.subarray(from, to))
        : this.#buffer.slice(from, to);
    }
    // A buffer that was made for this one frame goes with it.
    const body = this.#buffer.subarray(from, to);
    this.#replace(new Uint8Array(readBytes));
    return body;
  }

  /** Bytes that the frame at the front takes in all, as far as is known. */
  #needed(): number {
    if (this.#end - this.#start < frameHeaderBytes) return frameHeaderBytes;
    const length = this.#view.getUint32(this.#start + 4, true);
    return frameHeaderBytes + Math.min(length, this.bodyBytesMax);
  }

  /** Moves what has come to the front, into a larger buffer when this one is full of one frame. */
  #makeRoom(needed: number): void {
    const arrived = this.#end - this.#start;
    if (this.#start > 0 && arrived < this.#buffer.length) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#start = 0;
      this.#end = arrived;
    }
    if (arrived < this.#buffer.length) return;
    this.#replace(new Uint8Array(Math.min(needed, this.#buffer.length * 2)));
  }

  #replace(buffer: Uint8Array<ArrayBuffer>): void {
    const rest = this.#buffer.subarray(this.#start, this.#end);
    buffer.set(rest);
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer);
    this.#start = 0;
    this.#end = rest.length;
  }
}

/** Thrown when the other end breaks the rules of the protocol in a well-formed frame. */
export class ViolationError extends Error {
  override name = "ViolationError";
}

/** The two ends must not talk, by what they tell of themselves: neither breaks a rule. */
export class DisagreementError extends Error {
  override name = "DisagreementError";
}

/** Whether the other end is to blame, as against a connection that merely broke. */
export function isViolation(error: unknown): error is FormatError | ViolationError | PeerRefusal {
  return error instanceof FormatError || error instanceof ViolationError ||
    error instanceof PeerRefusal;
}
