import type { ByteWriter } from "../base/bytes.ts";
import type { Message } from "../raft/types.ts";
import { beginFrame, endFrame, type FrameType } from "./frame.ts";

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
