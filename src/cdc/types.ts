import type { ChangeLog } from "../changes/types.ts";

/** What the delivery of changes needs to know of its node. */
export interface DeliveringNode {
  readonly id: string;
  readonly leads: boolean;
  readonly changes: ChangeLog;
  /** Up to which index changes were delivered, by whichever leader; undefined before any were. */
  readonly delivered: number | undefined;
  /**
   * Resolves once a majority has confirmed who leads, and all that was committed by then is applied
   * here; rejects when there is none.
   */
  confirm(): Promise<void>;
  /** Has all nodes know up to which index changes are delivered; rejects when that cannot be now. */
  recordDelivered(index: number): Promise<void>;
}

/** A part of a message that can be sent by itself. */
export interface MessagePart {
  /** The same whoever sends it, and no other's of the cluster. */
  readonly id: string;
  /** What it is of, "" for none; undefined where it may be of several tables. */
  readonly table: string | undefined;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What is to be sent: as a whole, or part by part in their order. */
export interface OutgoingMessage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly parts: readonly MessagePart[];
}

/** Where messages go. */
export interface Sink {
  /** As it may be shown: without what lets in. */
  readonly name: string;
  /** Resolves once the message has arrived; rejects with what is wrong, also when `signal` is aborted. */
  send(message: OutgoingMessage, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** What this node has delivered since it was started. */
export interface CdcFigures {
  readonly sink: string;
  readonly nodeId: string;
  readonly serviceId: string;
  readonly leads: boolean;
  /** Up to which index all changes are delivered, as far as this node knows. */
  readonly highWatermark: number;
  /** Entries of the log behind that, with changes or without. */
  readonly entriesBehind: number;
  readonly messagesSent: number;
  readonly groupsSent: number;
  readonly eventsSent: number;
  /** Tries that failed. */
  readonly failures: number;
  /** Messages that were given up after transmit_max_retries. */
  readonly abandoned: number;
  /** How often changes were no longer kept when their turn came. */
  readonly gaps: number;
  /** Failures in a row until now, and the last one's reason; undefined when the last try went well. */
  readonly failing: { readonly times: number; readonly message: string } | undefined;
}
