import type { LoadRequest, Message, NodeId, ReadState } from "./types.ts";

/** What the steps since the last Ready want done beside persisting. */
export class Outbox {
  messages: Message[] = [];
  messagesAfterPersist: Message[] = [];
  readStates: ReadState[] = [];
  readsDropped: number[] = [];
  loads: LoadRequest[] = [];
  snapshots: NodeId[] = [];

  get empty(): boolean {
    return this.messages.length === 0 && this.messagesAfterPersist.length === 0 &&
      this.readStates.length === 0 && this.readsDropped.length === 0 &&
      this.loads.length === 0 && this.snapshots.length === 0;
  }
}
