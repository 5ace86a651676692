import type { Prng } from "../../src/base/prng.ts";
import { messageOf } from "../../src/base/message_of.ts";
import type { Clock, Disk } from "../../src/io/types.ts";
import type { Library } from "../../src/sqlite/mod.ts";
import { heldReadsThread } from "../../src/store/apply/held_reads_thread.ts";
import { writerThread } from "../../src/store/apply/writer_thread.ts";
import { copyThread } from "../../src/store/copy/copy_thread.ts";
import { imageThread } from "../../src/store/copy/image_thread.ts";
import { readerThread } from "../../src/store/read/reader_thread.ts";
import { scrubThread } from "../../src/store/scrub/scrub_thread.ts";
import type {
  ReplyOf,
  RequestTo,
  Thread,
  ThreadHandlers,
  ThreadName,
  ThreadProgram,
  Threads,
} from "../../src/store/threads.ts";
import type { EventQueue } from "./event_queue.ts";
import type { SimulatedProcess } from "./virtual_clock.ts";

const programs: { [Name in ThreadName]: ThreadProgram<RequestTo<Name>, ReplyOf<Name>> } = {
  writer: writerThread,
  reader: readerThread,
  held_reads: heldReadsThread,
  copier: copyThread,
  images: imageThread,
  scrub: scrubThread,
};

export interface SimulatedThreadsParts {
  readonly queue: EventQueue;
  readonly process: SimulatedProcess;
  readonly random: Prng;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly library: Library;
  /** How long a message is under way at most, with what its receiver had to do before, in ms. */
  readonly delayMsMax: () => number;
  /** Has a thread do what it does with one message. */
  readonly carryOut: (work: () => void) => void;
}

/**
 * The store's threads by their own programs, all in this one: each message is copied as for a
 * Worker, and its arrival is an event. What a thread does with it takes no time and is never cut
 * into: nothing interrupts a statement, and nobody waits for shared memory.
 */
export class SimulatedThreads implements Threads {
  readonly #parts: SimulatedThreadsParts;

  constructor(parts: SimulatedThreadsParts) {
    this.#parts = parts;
  }

  start<Name extends ThreadName>(
    name: Name,
    handlers: ThreadHandlers<ReplyOf<Name>>,
  ): Thread<RequestTo<Name>> {
    const { clock, disk, library, carryOut } = this.#parts;
    let ended = false;
    const isOver = () => ended;
    const program: ThreadProgram<RequestTo<Name>, ReplyOf<Name>> = programs[name];
    const receive = program({
      clock,
      disk,
      openLibrary: () => library,
      post: this.#line(isOver, (reply) => handlers.receive(reply)),
      wait: () => {
        throw new Error("An answer as long as this waits for its client, which a thread must do");
      },
    });
    return {
      post: this.#line(isOver, (request: RequestTo<Name>) => {
        try {
          carryOut(() => receive(request));
        } catch (error) {
          ended = true;
          handlers.died(messageOf(error));
        }
      }),
      terminate: () => {
        ended = true;
      },
    };
  }

  /** One direction: messages arrive in the order in which they were sent. */
  #line<Message>(
    isOver: () => boolean,
    receive: (message: Message) => void,
  ): (message: Message, transfer?: Transferable[]) => void {
    const { queue, process, random, delayMsMax } = this.#parts;
    const underWay: Message[] = [];
    return (message, transfer = []) => {
      underWay.push(structuredClone(message, { transfer }));
      queue.schedule(random.uint32() / 0x1_0000_0000 * delayMsMax(), () =>
        process.run(() => {
          const next = underWay.shift();
          if (next !== undefined && !isOver()) receive(next);
        }));
    };
  }
}
