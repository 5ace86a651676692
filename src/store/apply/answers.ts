import { assert } from "../../base/assert.ts";
import type { Clock } from "../../io/types.ts";
import { JsonText, wholeNanoseconds } from "../json/json_text.ts";
import { RenderError } from "../json/result_json.ts";
import {
  type ResultWriter,
  resultWriter,
  writeChanged,
  writeFailure,
  writeNone,
} from "../json/result_writer.ts";
import { type Effects, writeDescription } from "../json/typed_json.ts";
import type { PreparedStatement } from "../prepared_statement.ts";
import { type Answer, type AnswerFormat, duplicate, KeyedAnswer } from "../types.ts";

/** Bytes that answers may take up. */
export interface AnswerLimits {
  /** The rows of one statement in a write. */
  readonly resultBytesMax: number;
  /** All answers in a batch, and the results of one entry that are kept: beyond, no rows are written. */
  readonly batchBytesMax: number;
}

const defaultLimits: AnswerLimits = { resultBytesMax: 0x400_0000, batchBytesMax: 0x1000_0000 };

/** Bytes of all answers in a batch that are made text. */
const textBytesMax = 0x1_0000;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** How the answers of a batch lie behind one another. Lengths of those that are no bytes: */
export const noAnswer = 0xffff_ffff;
export const duplicateAnswer = 0xffff_fffe;

/** The answers of a batch, as they are written: the results of an entry separated by commas. */
export class Answers {
  readonly #clock: Clock;
  readonly #limits: AnswerLimits;
  readonly #out = new JsonText(0x1_0000);
  readonly #lengths: number[] = [];
  #format: AnswerFormat | undefined;
  /** Somebody waits for the answer. */
  #wanted = false;
  /** The results are the same on every node. */
  #kept = false;
  /** Parts of the entry's results that differ from node to node, from where to where in them. */
  #ofNode: { readonly from: number; readonly to: number }[] = [];
  /** Where the entry's answer begins, and where its results do. */
  #answerStart = 0;
  #start = 0;

  constructor(clock: Clock, limits = defaultLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** By the clock; 0 where nobody wants to know how long things take. */
  now(): number {
    return this.#format?.timings ? this.#clock.now() : 0;
  }

  get entries(): number {
    return this.#lengths.length;
  }

  begin(format: AnswerFormat | undefined): void {
    this.#format = format;
    this.#wanted = format !== undefined;
    this.#kept = false;
    this.#ofNode = [];
    this.#answerStart = this.#start = this.#out.length;
  }

  /**
   * The results of the entry that has begun are kept, on every node, whether somebody waits for them
   * or not: they are written as `format` says, behind a byte that says what they are.
   */
  keep(format: AnswerFormat): void {
    assert(this.#out.length === this.#answerStart, "Results were written before they were kept");
    assert(!format.timings, "Times, which differ from node to node, were to be kept");
    this.#format = format;
    this.#kept = true;
    this.#out.byte(KeyedAnswer.first);
    this.#start = this.#out.length;
  }

  /** Begins a step of an entry whose steps are compared with what they were, and not answered. */
  beginStep(format: AnswerFormat): void {
    this.#out.length = this.#start;
    this.#ofNode = [];
    this.#format = format;
    this.#kept = true;
  }

  /** What was written of the entry's results from `from` on is this node's own. */
  noteOfNode(from: number): void {
    this.#ofNode.push({ from, to: this.entryLength });
  }

  /** Whether the results written so far are the same on every node. */
  get areSame(): boolean {
    return this.#ofNode.length === 0;
  }

  /** Of the results written so far, what is the same on every node. */
  *sameResults(): Generator<Uint8Array> {
    const results = this.written;
    let at = 0;
    for (const { from, to } of this.#ofNode) {
      yield results.subarray(at, from);
      at = to;
    }
    yield results.subarray(at);
  }

  /** The results written so far, of an entry whose results are kept. */
  get results(): Uint8Array<ArrayBuffer> {
    return this.written.slice();
  }

  /** The same, valid until more is written. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#out.bytes.subarray(this.#start, this.#out.length);
  }

  /** The answer to an entry that is not carried out: results kept from before, behind a `mark`. */
  putKept(mark: number, results: Uint8Array): void {
    this.#out.length = this.#answerStart;
    this.#out.byte(mark);
    this.#out.raw(results);
  }

  end(): void {
    if (this.#wanted && this.#kept) this.#boundKept();
    if (this.#wanted) this.#lengths.push(this.#out.length - this.#answerStart);
    else this.#endUnwanted();
  }

  /** Results that the batch has no room for beside others are not sent, whatever is kept of them. */
  #boundKept(): void {
    const { resultBytesMax, batchBytesMax } = this.#limits;
    const isFirst = this.#answerStart === 0;
    if (isFirst || this.#out.length <= batchBytesMax || this.entryLength * 8 < resultBytesMax) {
      return;
    }
    this.#out.length = this.#start;
    this.error("Results are too large beside those of others; the request was carried out", false);
  }

  endDuplicate(): void {
    if (this.#wanted) this.#lengths.push(duplicateAnswer);
    else this.#endUnwanted();
  }

  #endUnwanted(): void {
    this.#out.length = this.#answerStart;
    this.#lengths.push(noAnswer);
  }

  /** Forgets everything from entry `count` on, and the one that has begun. */
  truncate(count: number): void {
    this.#out.length = 0;
    this.#lengths.length = count;
    for (const length of this.#lengths) {
      if (length < duplicateAnswer) this.#out.length += length;
    }
    this.#answerStart = this.#start = this.#out.length;
  }

  /** Forgets the results of the entry that has begun but for its first `length` bytes. */
  rewind(length: number): void {
    this.#out.length = this.#start + length;
    this.#ofNode = this.#ofNode.filter(({ from }) => from < length);
  }

  get entryLength(): number {
    return this.#out.length - this.#start;
  }

  changes(rowId: number | bigint, changes: number, seconds: number): void {
    if (this.#format === undefined) return;
    this.#separate();
    writeChanged(this.#out, rowId, changes, this.#seconds(seconds), this.#format);
  }

  /** A text without a statement, or whose last one is none: of a read or of a write, as it began. */
  empty(query: boolean, elapsedMs: number): void {
    if (this.#format === undefined) return;
    this.#separate();
    writeNone(this.#out, query, this.#seconds(elapsedMs), this.#format);
  }

  /** `code`: SQLite's name for it. */
  error(message: string, query: boolean, code = "SQLITE_ERROR"): void {
    if (this.#format === undefined) return;
    this.#separate();
    writeFailure(this.#out, { message, code }, this.#format, query);
  }

  /** Whether every statement has a result in which its rows and changes are together. */
  get typed(): boolean {
    return this.#format?.typed === true;
  }

  /** Whether statements are to be described, and not run. */
  get describes(): boolean {
    return this.#format?.describes === true;
  }

  description(prepared: PreparedStatement): void {
    this.#separate();
    writeDescription(this.#out, prepared);
  }

  /**
   * Steps a statement to its end, which it reaches on every node, and writes its rows where they
   * are wanted: a value that JSON has no form for spoils only the answer. To take the statement back
   * for that is not possible, as nodes that answer nobody do not find out. Returns how many there
   * were. `effects`: where it leaves what it did.
   */
  rows(prepared: PreparedStatement, startedAt: number, effects: Effects): number {
    const { statement, kind, readonly } = prepared;
    let format = this.#format;
    let rows = 0;
    if (format === undefined) {
      while (statement.step()) rows++;
      return rows;
    }
    // rqlite leaves the columns of RETURNING as they are.
    if (kind === "change" && format.qualifyColumns) format = { ...format, qualifyColumns: false };
    const before = this.#out.length;
    this.#separate();
    const start = this.#out.length;
    let failure: string | undefined;
    try {
      let hasRow = statement.step();
      const writer = resultWriter(this.#out, prepared, format, hasRow, effects);
      for (; hasRow; hasRow = statement.step()) {
        rows++;
        if (failure === undefined) failure = this.#row(writer, start);
      }
      if (failure === undefined) writer.end(this.#seconds(this.now() - startedAt));
    } catch (error) {
      this.#out.length = before;
      throw error;
    }
    if (failure !== undefined) {
      this.#out.length = start;
      const text = readonly ? failure : `${failure}; the statement was carried out`;
      writeFailure(this.#out, { message: text, code: "SQLITE_ERROR" }, format, true);
    }
    return rows;
  }

  #row(writer: ResultWriter, start: number): string | undefined {
    try {
      writer.row();
    } catch (error) {
      if (error instanceof RenderError) return error.message;
      throw error;
    }
    const { resultBytesMax, batchBytesMax } = this.#limits;
    // What is kept must not depend on others in the batch, nor on who waits for them.
    const written = this.#kept ? this.entryLength : this.#out.length;
    const isTooMuch = this.#out.length - start > resultBytesMax || written > batchBytesMax;
    return isTooMuch
      ? `Result is larger than ${resultBytesMax} bytes: read it by a query`
      : undefined;
  }

  #separate(): void {
    if (this.#out.length > this.#start) this.#out.byte(0x2c);
  }

  #seconds(elapsedMs: number): number {
    return this.#format?.timings ? wholeNanoseconds(elapsedMs) : 0;
  }

  /** The answers, for this thread; starts again. */
  take(): Answer[] {
    const answers = split(this.#lengths, this.#out.bytes.subarray(0, this.#out.length), true);
    this.truncate(0);
    return answers;
  }

  /** The same for another thread: for each entry its length or its mark in 32 bits, then all bytes. */
  takeBytes(): Uint8Array<ArrayBuffer> {
    const head = this.#lengths.length * 4;
    const bytes = new Uint8Array(head + this.#out.length);
    const view = new DataView(bytes.buffer);
    this.#lengths.forEach((length, i) => view.setUint32(i * 4, length, true));
    bytes.set(this.#out.bytes.subarray(0, this.#out.length), head);
    this.truncate(0);
    return bytes;
  }
}

/** What {@linkcode Answers.takeBytes} made of the answers to `count` entries. */
export function receivedAnswers(bytes: Uint8Array<ArrayBuffer>, count: number): Answer[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lengths = Array.from({ length: count }, (_, i) => view.getUint32(i * 4, true));
  return split(lengths, bytes.subarray(count * 4), false);
}

/**
 * One by one. What is short is made text all at once, which costs less than an answer's own bytes
 * do; so does sending it. `reused`: the bytes are going to be something else.
 */
function split(lengths: readonly number[], bytes: Uint8Array, reused: boolean): Answer[] {
  const text = bytes.length <= textBytesMax ? decoder.decode(bytes) : "";
  // Each character stands for one byte when there are as many.
  const ascii = text.length === bytes.length;
  let at = 0;
  return lengths.map((length) => {
    if (length === noAnswer) return undefined;
    if (length === duplicateAnswer) return duplicate;
    const start = at;
    at += length;
    if (ascii) return text.slice(start, at);
    return reused ? bytes.slice(start, at) : bytes.subarray(start, at);
  });
}
