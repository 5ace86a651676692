import { createHash } from "node:crypto";
import { assert } from "../../base/assert.ts";
import { sameBytes } from "../../base/bytes.ts";
import { CommandFlag, CommandType } from "../codec/command_codec.ts";
import { stampBytes, stampOf } from "../codec/stamp.ts";
import { type CommandHeader, isKeyed } from "../codec/command_header.ts";
import { digest } from "../digest.ts";
import { stepsIn } from "../codec/script_codec.ts";
import { type IdempotencyKey, KeyedAnswer } from "../types.ts";
import type { Answers } from "./answers.ts";
import type { BatchEntry } from "./apply_batch.ts";
import { createKeyTables, hasKeyTables, type KeptKey, KeyTable } from "./key_table.ts";
import type { WriteConnection } from "./write_connection.ts";

/** A longer answer is not kept, in bytes. */
export const keptAnswerBytesMax = 64 * 1024;

const nothing = new Uint8Array();

/**
 * Sees that of all requests with one idempotency key only the first is carried out, and that the
 * others get its answer. What it finds and keeps is in the transaction of the entry's effects.
 */
export class KeyedRequests {
  readonly #connection: WriteConnection;
  readonly #answers: Answers;
  #table: KeyTable | undefined;

  constructor(connection: WriteConnection, answers: Answers) {
    this.#connection = connection;
    this.#answers = answers;
  }

  /** Whether there is room for an entry's key, if it has one. */
  hasRoom(entry: BatchEntry): boolean {
    return this.#table !== undefined || !isKeyed(entry);
  }

  /**
   * Makes room for the key of the entry that is applied next, not inside a transaction: entries in
   * front of it, which can read the schema, must see the same on every node, however they are
   * batched. False when that is not for this connection.
   */
  makeRoom(entry: BatchEntry): boolean {
    return this.hasRoom(entry) || this.#openTable();
  }

  #openTable(): boolean {
    const connection = this.#connection;
    const { database } = connection;
    return connection.own(() => {
      if (!hasKeyTables(database)) {
        if (connection.quick) return false;
        createKeyTables(database);
      }
      this.#table = new KeyTable(database);
      return true;
    });
  }

  /** Whether an entry is to be carried out; writes the answer of one that is not. */
  admit(entry: BatchEntry, header: CommandHeader): boolean {
    const { key } = header;
    if (key === undefined) return true;
    this.#answers.keep(key.format);
    const name = nameOf(key);
    const known = this.#connection.own(() => this.#room().find(hashOf(name), clockOf(entry)));
    if (known === undefined) {
      if (key.asks) this.#answers.putKept(KeyedAnswer.unknown, nothing);
      return !key.asks;
    }
    const isSame = known.name === name &&
      (key.asks || sameBytes(known.request, requestOf(entry, header)));
    if (!isSame) this.#answers.putKept(KeyedAnswer.other, nothing);
    else if (known.answer === undefined) this.#answers.putKept(KeyedAnswer.notKept, nothing);
    else this.#answers.putKept(KeyedAnswer.repeated, known.answer);
    return false;
  }

  /** Keeps what an entry was answered, or, if that is not the same on every node, only that it was. */
  keep(entry: BatchEntry, header: CommandHeader, isAnswerTheSame: boolean): void {
    const { key } = header;
    if (key === undefined) return;
    const name = nameOf(key);
    const { results, areSame } = this.#answers;
    const isKept = isAnswerTheSame && areSame && results.length <= keptAnswerBytesMax;
    const kept: KeptKey = {
      name,
      request: requestOf(entry, header),
      answer: isKept ? results : undefined,
    };
    const clock = clockOf(entry);
    const expires = clock + key.keptSeconds * 1000;
    this.#connection.own(() => this.#room().put(hashOf(name), kept, expires, clock));
  }

  #room(): KeyTable {
    assert(this.#table !== undefined, "An entry with a key is applied without room for it");
    return this.#table;
  }
}

function clockOf({ view }: BatchEntry): number {
  return stampOf(view).clock;
}

function nameOf({ user, name }: IdempotencyKey): string {
  return JSON.stringify([user, name]);
}

function hashOf(name: string): bigint {
  return createHash("sha256").update(name).digest().readBigInt64LE(0);
}

/** Of what a transaction's requests ask for: when it is tried anew, its times and results are others. */
function* askedIn(data: Uint8Array, offset: number): Generator<Uint8Array> {
  for (const { offset: from, end, atomic, unified, readOnly } of stepsIn(data, offset)) {
    yield Uint8Array.of(Number(atomic), Number(unified), Number(readOnly));
    yield data.subarray(from, end);
  }
}

/** Of what the request asks for: not of its time limit, nor of how it is to be answered. */
function requestOf({ data }: BatchEntry, { type, flags, offset }: CommandHeader): Uint8Array {
  assert(offset > stampBytes, "A request's body begins in its stamp");
  if (type === CommandType.script) return digest(askedIn(data, offset));
  const kind = flags & (CommandFlag.transaction | CommandFlag.unified);
  return digest([new Uint8Array([type, kind]), data.subarray(offset + 4)]);
}
