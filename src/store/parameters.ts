import { ByteReader, FormatError } from "../base/bytes.ts";
import type { Statement } from "../sqlite/mod.ts";
import { ValueTag } from "./codec/statement_codec.ts";
import { StatementError } from "./failures.ts";

/** Bound texts and blobs larger than this are not kept by a statement that is kept itself. */
export const keptBytesMax = 0x1_0000;

const prefixes = [":", "@", "$"] as const;
/** What Go's database/sql lets a name begin with: a sigil, above all, would name nothing. */
const beginsWithLetter = /^\p{L}/u;

/** The parameters of one SQL text, read in place from an encoded statement. */
export class Parameters {
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** Where each value is. */
  readonly #at: number[] = [];
  readonly #names: string[] = [];
  #count = 0;
  #named = 0;

  /** Takes the parameters that are encoded at `offset`; returns where they end. */
  read(bytes: Uint8Array, view: DataView, offset: number): number {
    this.#bytes = bytes;
    this.#view = view;
    this.#count = view.getUint32(offset, true);
    this.#named = 0;
    let at = offset + 4;
    for (let i = 0; i < this.#count; i++) {
      this.#at[i] = at;
      at = this.#skip(at);
    }
    this.#named = view.getUint32(at, true);
    at += 4;
    for (let i = 0; i < this.#named; i++) {
      const reader = new ByteReader(bytes, at);
      this.#names[i] = reader.text();
      this.#at[this.#count + i] = reader.offset;
      at = this.#skip(reader.offset);
    }
    this.#count += this.#named;
    return at;
  }

  #skip(at: number): number {
    const tag = this.#bytes[at];
    switch (tag) {
      case ValueTag.null:
        return at + 1;
      case ValueTag.integer:
      case ValueTag.real:
        return at + 9;
      case ValueTag.text:
      case ValueTag.blob:
        return at + 5 + this.#view.getUint32(at + 1, true);
      default:
        throw new FormatError(`Unknown value type ${tag}`);
    }
  }

  /**
   * Binds to a statement that is preceded, in its text, by statements that took `start` parameters;
   * when there are too few, or one has a name that is none, throws a StatementError with rqlite's
   * text. Returns the bytes of text and blobs bound.
   */
  bind(statement: Statement, start: number): number {
    const wanted = statement.bindParameterCount;
    if (this.#named > 0) return this.#bindNamed(statement, start, wanted);
    this.#checkCount(start, wanted);
    let bytes = 0;
    for (let i = 1; i <= wanted; i++) {
      bytes += this.#bindValue(statement, i, this.#at[start + i - 1] as number);
    }
    return bytes;
  }

  #checkCount(start: number, wanted: number): void {
    const count = this.#count - start;
    if (count < wanted) {
      throw new StatementError(`not enough args to execute query: want ${wanted} got ${count}`);
    }
  }

  #checkNames(): void {
    for (let i = 0; i < this.#named; i++) {
      const name = this.#names[i] as string;
      if (!beginsWithLetter.test(name)) {
        throw new StatementError(`name ${JSON.stringify(name)} does not begin with a letter`);
      }
    }
  }

  #bindNamed(statement: Statement, start: number, wanted: number): number {
    this.#checkNames();
    this.#checkCount(start, wanted);
    const positional = this.#count - this.#named;
    let bytes = 0;
    statement.clearBindings();
    for (let i = 0; i < this.#count; i++) {
      const at = this.#at[i] as number;
      if (i < positional) {
        if (i >= start && i < start + wanted) {
          bytes += this.#bindValue(statement, i - start + 1, at);
        }
        continue;
      }
      for (const prefix of prefixes) {
        const index = statement.bindParameterIndex(prefix + this.#names[i - positional]);
        if (index > 0) bytes += this.#bindValue(statement, index, at);
      }
    }
    return bytes;
  }

  #bindValue(statement: Statement, index: number, at: number): number {
    const tag = this.#bytes[at];
    switch (tag) {
      case ValueTag.integer:
        bindInteger(statement, index, this.#view, at + 1);
        return 0;
      case ValueTag.real:
        statement.bindDouble(index, this.#view.getFloat64(at + 1, true));
        return 0;
      case ValueTag.text:
      case ValueTag.blob: {
        const length = this.#view.getUint32(at + 1, true);
        const value = this.#bytes.subarray(at + 5, at + 5 + length);
        if (tag === ValueTag.text) statement.bindTextBytes(index, value);
        else statement.bindBlob(index, value);
        return length;
      }
      default:
        statement.bindNull(index);
        return 0;
    }
  }
}

function bindInteger(statement: Statement, index: number, view: DataView, at: number): void {
  const low = view.getUint32(at, true);
  const high = view.getInt32(at + 4, true);
  if (high >= -0x20_0000 && high < 0x20_0000 - 1) {
    statement.bindInt64(index, high * 0x1_0000_0000 + low);
  } else {
    statement.bindInt64(index, view.getBigInt64(at, true));
  }
}
