import { ByteReader, ByteWriter } from "../../src/base/bytes.ts";
import { checksum } from "../../src/base/checksum.ts";
import { type Entry, EntryType } from "../../src/raft/types.ts";
import { type AppliedPosition, duplicate } from "../../src/store/types.ts";
import { decodeToyCommand } from "./toy_command.ts";

/** What the state machine remembers of one origin's requests. */
interface Session {
  floor: number;
  readonly done: Set<number>;
}

/** The simulated database: lists to append to, and the requests applied, at a position of the log. */
export class ToyState {
  position: AppliedPosition = { index: 0, term: 0 };
  /** Changes with everything that is applied: equal at equal positions, or a node has drifted. */
  hash = 0;
  readonly lists = new Map<number, number[]>();
  readonly #sessions = new Map<bigint, Session>();

  list(key: number): readonly number[] {
    return this.lists.get(key) ?? [];
  }

  /** The list's length after an append, `duplicate`, or undefined for what is no command. */
  apply(entry: Entry): number | typeof duplicate | undefined {
    if (entry.index !== this.position.index + 1) {
      throw new Error(`Entry ${entry.index} applied after ${this.position.index}`);
    }
    if (checksum(entry.data) !== entry.checksum) throw new Error(`Entry ${entry.index} is damaged`);
    this.position = { index: entry.index, term: entry.term };
    this.hash = checksum(entry.data, (this.hash ^ entry.index) >>> 0);
    if (entry.type !== EntryType.command) return undefined;
    const { origin, sequence, floor, key, value } = decodeToyCommand(entry.data);
    // Without an id: nobody sends it twice.
    if (origin === 0n) return this.#append(key, value);
    const session = this.#session(origin);
    if (sequence < session.floor || session.done.has(sequence)) return duplicate;
    session.done.add(sequence);
    if (floor > session.floor) {
      session.floor = floor;
      for (const finished of session.done) if (finished < floor) session.done.delete(finished);
    }
    return this.#append(key, value);
  }

  #append(key: number, value: number): number {
    const list = this.lists.get(key) ?? [];
    list.push(value);
    this.lists.set(key, list);
    this.hash = checksum(Uint8Array.of(list.length), this.hash);
    return list.length;
  }

  #session(origin: bigint): Session {
    let session = this.#sessions.get(origin);
    if (session === undefined) {
      session = { floor: 0, done: new Set() };
      this.#sessions.set(origin, session);
    }
    return session;
  }

  encode(): Uint8Array<ArrayBuffer> {
    const writer = new ByteWriter(1024);
    writer.integer(this.position.index);
    writer.integer(this.position.term);
    writer.uint32(this.hash);
    writer.uint32(this.lists.size);
    for (const [key, list] of this.lists) {
      writer.uint8(key);
      writer.uint32(list.length);
      for (const value of list) writer.uint32(value);
    }
    writer.uint32(this.#sessions.size);
    for (const [origin, { floor, done }] of this.#sessions) {
      writer.uint64(origin);
      writer.integer(floor);
      writer.uint32(done.size);
      for (const sequence of done) writer.integer(sequence);
    }
    writer.uint32(checksum(writer.view()));
    return writer.copy();
  }

  /** Throws at bytes that are not all that {@linkcode encode} gave. */
  static decode(bytes: Uint8Array): ToyState {
    const body = bytes.subarray(0, Math.max(0, bytes.length - 4));
    if (new ByteReader(bytes.subarray(body.length)).uint32() !== checksum(body)) {
      throw new Error("Snapshot is damaged");
    }
    const reader = new ByteReader(body);
    const state = new ToyState();
    state.position = { index: reader.integer(), term: reader.integer() };
    state.hash = reader.uint32();
    for (let lists = reader.uint32(); lists > 0; lists--) {
      const key = reader.uint8();
      state.lists.set(key, Array.from({ length: reader.uint32() }, () => reader.uint32()));
    }
    for (let sessions = reader.uint32(); sessions > 0; sessions--) {
      const session = state.#session(reader.uint64());
      session.floor = reader.integer();
      for (let done = reader.uint32(); done > 0; done--) session.done.add(reader.integer());
    }
    reader.end();
    return state;
  }
}
