import { ByteReader, type ByteWriter } from "../../base/bytes.ts";
import { decodeFormat, encodeFormat } from "../../store/codec/answer_format.ts";
import { writeStatements } from "../../store/codec/statement_codec.ts";
import { type AnswerFormat, EncodedStatements, type Statement } from "../../store/types.ts";

/** A request for /db/execute that a thread has read and checked, and another is to carry out. */
export interface HandedWrite {
  readonly id: number;
  readonly transaction: boolean;
  readonly format: AnswerFormat;
  readonly statementTimeoutMs: number;
  readonly timeoutMs: number;
  /** What the client has sent for an idempotency key, whether it is one or not; null for nothing. */
  readonly key: string | null;
  /** Who asks, that the thread has let in, for all tables; undefined for somebody who is not known. */
  readonly username: string | undefined;
  /** The client's, without its port. */
  readonly address: string;
  readonly statements: readonly Statement[];
}

const Flag = { transaction: 1, key: 2, username: 4 } as const;

// Between threads of one program: nobody else ever reads it.

/** Appends it to others of the same batch. */
export function writeHanded(writer: ByteWriter, handed: HandedWrite): void {
  const { key, username, statements } = handed;
  writer.integer(handed.id);
  writer.uint8(
    (handed.transaction ? Flag.transaction : 0) | (key === null ? 0 : Flag.key) |
      (username === undefined ? 0 : Flag.username),
  );
  writer.uint8(encodeFormat(handed.format));
  writer.uint32(handed.statementTimeoutMs);
  writer.uint32(handed.timeoutMs);
  writer.text(handed.address);
  if (key !== null) writer.text(key);
  if (username !== undefined) writer.text(username);
  writer.uint32(statements.length);
  const lengthAt = writer.length;
  writer.uint32(0);
  writeStatements(writer, statements);
  writer.setUint32(lengthAt, writer.length - lengthAt - 4);
}

const decoder = new TextDecoder();

/** The same as the main thread has it: its statements as they go into the log. */
export class ReceivedWrite implements Omit<HandedWrite, "statements"> {
  readonly id: number;
  readonly transaction: boolean;
  readonly format: AnswerFormat;
  readonly statementTimeoutMs: number;
  readonly timeoutMs: number;
  readonly key: string | null;
  readonly username: string | undefined;
  readonly encoded: EncodedStatements;
  readonly #address: Uint8Array;

  private constructor(reader: ByteReader) {
    this.id = reader.integer();
    const flags = reader.uint8();
    this.transaction = (flags & Flag.transaction) !== 0;
    this.format = formatIn(reader.uint8());
    this.statementTimeoutMs = reader.uint32();
    this.timeoutMs = reader.uint32();
    this.#address = reader.bytes();
    this.key = (flags & Flag.key) === 0 ? null : reader.text();
    this.username = (flags & Flag.username) === 0 ? undefined : reader.text();
    const count = reader.uint32();
    this.encoded = new EncodedStatements(reader.bytes() as Uint8Array<ArrayBuffer>, count);
  }

  /** Those of a batch, in their order. */
  static *of(batch: Uint8Array): IterableIterator<ReceivedWrite> {
    const reader = new ByteReader(batch);
    while (reader.remaining > 0) yield new ReceivedWrite(reader);
  }

  /** Few are ever looked at: it is read then only. */
  get address(): string {
    return decoder.decode(this.#address);
  }
}

function formatIn(bits: number): AnswerFormat {
  const format = decodeFormat(bits);
  if (format === undefined) throw new TypeError("A write was handed over without its format");
  return format;
}
