import { assert } from "../../base/assert.ts";
import type { DiskFile } from "../../io/types.ts";
import type { TemporaryFile, TemporaryFiles } from "../copy/temporary_files.ts";

/** Bytes that are read back at once. */
const pieceBytes = 64 * 1024;

/** Of what is free on the disk without them, all answers may have so much: the log and the database need the rest. */
const freeShareMax = 1 / 4;
/** After so many bytes more it is looked again how much is free. */
const lookBytes = 1024 * 1024;

export interface AnswerRoomLimits {
  /** Bytes of one answer that may be kept. */
  readonly answerBytesMax: number;
  /** Bytes of all of them. */
  readonly answersBytesMax: number;
  /** What may still be written to the disk, in bytes; gives undefined, or is, where nobody can say. */
  readonly freeBytes?: (() => Promise<number | undefined>) | undefined;
}

/** Room on the disk for what clients do not take of their answers as fast as readers find it. */
export class AnswerRoom {
  readonly #temporaries: TemporaryFiles;
  readonly #limits: AnswerRoomLimits;
  #bytes = 0;
  /** What all answers may have by the disk, as it was when that was looked at. */
  #diskBytesMax = Infinity;
  #sinceLook = Infinity;
  #refusals = 0;

  constructor(temporaries: TemporaryFiles, limits: AnswerRoomLimits) {
    this.#temporaries = temporaries;
    this.#limits = limits;
  }

  /** Bytes that are in use. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Grows whenever an answer gets no room because of what is kept of all. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Throws a StoreBusyError when too many answers are kept. */
  open(): AnswerSpool {
    this.#sinceLook = Infinity;
    return new AnswerSpool(this.#make(), {
      look: () => this.#look(),
      take: (bytes, taken) => this.#take(bytes, taken),
      giveBack: (bytes) => this.#bytes -= bytes,
    });
  }

  #make(): TemporaryFile {
    try {
      return this.#temporaries.make("answer");
    } catch (error) {
      this.#refusals++;
      throw error;
    }
  }

  async #look(): Promise<void> {
    if (this.#sinceLook < lookBytes) return;
    this.#sinceLook = 0;
    const free = await this.#limits.freeBytes?.();
    this.#diskBytesMax = free === undefined ? Infinity : (free + this.#bytes) * freeShareMax;
  }

  #take(bytes: number, taken: number): boolean {
    const { answerBytesMax, answersBytesMax } = this.#limits;
    const allBytesMax = Math.min(answersBytesMax, this.#diskBytesMax);
    this.#sinceLook += bytes;
    if (taken + bytes > answerBytesMax) return false;
    if (this.#bytes + bytes > allBytesMax) {
      this.#refusals++;
      return false;
    }
    this.#bytes += bytes;
    return true;
  }
}

interface SpoolRoom {
  /** Sees how much room there is, if that is not known of late. */
  look(): Promise<void>;
  /** Whether so many bytes more may be written by one that has taken `taken`; they are its own then. */
  take(bytes: number, taken: number): boolean;
  giveBack(bytes: number): void;
}

/** What a client has not taken yet of an answer, in a file: the first in is the first out. One call at a time. */
export class AnswerSpool {
  readonly #temporary: TemporaryFile;
  readonly #room: SpoolRoom;
  #file: DiskFile | undefined;
  #taken = 0;
  #written = 0;
  #read = 0;
  #closed = false;

  constructor(temporary: TemporaryFile, room: SpoolRoom) {
    this.#temporary = temporary;
    this.#room = room;
  }

  /** Bytes that were written, those that have been read again among them. */
  get bytes(): number {
    return this.#taken;
  }

  get isEmpty(): boolean {
    return this.#read === this.#written;
  }

  /** False when there is no room for it. Rejects with a DiskError; what it had is there still. */
  async write(bytes: Uint8Array): Promise<boolean> {
    await this.#room.look();
    if (this.#closed || !this.#room.take(bytes.length, this.#taken)) return false;
    this.#taken += bytes.length;
    const file = this.#file ??= await this.#temporary.open({ create: true });
    await file.write(this.#written, bytes);
    this.#written += bytes.length;
    return true;
  }

  /** The next bytes; there are some. Rejects with a DiskError. */
  async next(): Promise<Uint8Array> {
    assert(this.#file !== undefined && !this.isEmpty, "An answer's file was read past its end");
    const length = Math.min(pieceBytes, this.#written - this.#read);
    const bytes = await this.#file.read(this.#read, length);
    if (bytes.length === 0) throw new Error(`Answer kept in ${this.#temporary.path} was cut off`);
    this.#read += bytes.length;
    return bytes;
  }

  /** Lets go of the file; once is enough. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#room.giveBack(this.#taken);
    void this.#temporary.remove();
  }
}
