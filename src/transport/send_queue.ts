import { assert } from "../base/assert.ts";
import type { ByteWriter } from "../base/bytes.ts";
import type { Message } from "../raft/types.ts";
import { beginFrame, endFrame, FrameType } from "./frame.ts";
import { encodeMessage, messageSize } from "./message_codec.ts";
import type { TransportLimits } from "./options.ts";

class OutgoingMessage implements Outgoing {
  readonly type = FrameType.message;
  readonly size: number;
  readonly message: Message;

  constructor(message: Message) {
    this.message = message;
    this.size = messageSize(message);
  }

  encodeBody(writer: ByteWriter): void {
    encodeMessage(writer, this.message);
  }
}

/** Whether a Raft message means the same before and behind others: it carries no part of the log. */
function mayOvertake({ type }: Message): boolean {
  return type !== "append_request" && type !== "append_response" && type !== "snapshot_request";
}

/** What waits for one connection, in order and bounded. Raft messages have a bound of their own. */
export class SendQueue {
  readonly #limits: TransportLimits;
  readonly #items = new Set<Outgoing>();
  #messageBytes = 0;
  #messageCount = 0;
  #otherBytes = 0;

  constructor(limits: TransportLimits) {
    this.#limits = limits;
  }

  get empty(): boolean {
    return this.#items.size === 0;
  }

  has(item: Outgoing): boolean {
    return this.#items.has(item);
  }

  /** False when there is no room: the message is dropped. */
  addMessage(message: Message): boolean {
    const item = new OutgoingMessage(message);
    if (
      this.#messageCount >= this.#limits.raftQueueCountMax ||
      this.#messageBytes + item.size > this.#limits.raftQueueBytesMax
    ) return false;
    this.#items.add(item);
    this.#messageBytes += item.size;
    this.#messageCount += 1;
    return true;
  }

  /** False when there is no room. */
  add(item: Outgoing): boolean {
    if (this.#otherBytes + item.size > this.#limits.requestQueueBytesMax) return false;
    this.#items.add(item);
    this.#otherBytes += item.size;
    return true;
  }

  /** Takes out what has not been sent; false when it has. */
  delete(item: Outgoing): boolean {
    if (!this.#items.delete(item)) return false;
    if (item.message === undefined) {
      this.#otherBytes -= item.size;
    } else {
      this.#messageBytes -= item.size;
      this.#messageCount -= 1;
    }
    assert(
      this.#messageBytes >= 0 && this.#messageCount >= 0 && this.#otherBytes >= 0,
      "More was taken out of a queue than was in it",
    );
    return true;
  }

  /**
   * Encodes from the front until `writer` holds `bytesMax` or more, or nothing is left. An item of
   * more than `largeBytes` is taken out and returned in place of being encoded.
   */
  drainInto(writer: ByteWriter, bytesMax: number, largeBytes: number): Outgoing | undefined {
    for (const item of this.#items) {
      if (writer.length >= bytesMax) return undefined;
      this.delete(item);
      if (item.size > largeBytes) return item;
      writeOutgoing(writer, item);
    }
    return undefined;
  }

  /**
   * While the large `item` is on its way: encodes the Raft messages that need not wait for it. Those
   * that carry entries, or answer for them, keep their order among themselves.
   */
  drainBeside(item: Outgoing, writer: ByteWriter, bytesMax: number, largeBytes: number): void {
    let entriesToo = item.message === undefined;
    for (const next of this.#items) {
      if (writer.length >= bytesMax) return;
      if (next.message === undefined) continue;
      if (next.size > largeBytes) entriesToo = false;
      else if (entriesToo || mayOvertake(next.message)) {
        this.delete(next);
        writeOutgoing(writer, next);
      }
    }
  }

  /** Takes out the Raft messages that `unwanted` picks, and returns them. */
  removeMessages(unwanted: (message: Message) => boolean): Message[] {
    const removed: Message[] = [];
    for (const item of this.#items) {
      if (item.message === undefined || !unwanted(item.message)) continue;
      this.delete(item);
      removed.push(item.message);
    }
    return removed;
  }

  /** Empties the queue and returns the Raft messages that were in it. */
  clear(): Message[] {
    const messages = this.removeMessages(() => true);
    for (const item of this.#items) this.delete(item);
    const left = this.#messageBytes + this.#messageCount + this.#otherBytes;
    assert(left === 0, "A queue that is empty counts what is in it");
    return messages;
  }
}

/** Something that waits to be sent; it is encoded only when its turn comes. */
export interface Outgoing {
  /** Bytes that it will take, about. */
  readonly size: number;
  /** Set for a Raft message: it may be dropped. */
  readonly message: Message | undefined;
  readonly type: FrameType;
  /** Writes the body of its frame. */
  encodeBody(writer: ByteWriter): void;
}

/** Writes an item's frame. */
export function writeOutgoing(writer: ByteWriter, item: Outgoing): void {
  const start = beginFrame(writer, item.type);
  item.encodeBody(writer);
  endFrame(writer, start);
}
