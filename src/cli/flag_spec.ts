import type { LogLevel } from "../io/types.ts";

export const logLevels: readonly LogLevel[] = ["DEBUG", "INFO", "WARN", "ERROR"];

/** How a flag's text is read. */
export type FlagKind =
  | "switch"
  | "text"
  /** host:port */
  | "address"
  /** host:port, several with commas between */
  | "addresses"
  /** A Go duration; its value is in milliseconds. */
  | "duration"
  | "count"
  /** Bytes, with or without KiB, MiB, GiB. */
  | "size"
  | "level";

export interface FlagSpec {
  readonly kind: FlagKind;
  readonly group:
    | "Node"
    | "HTTP"
    | "Cluster"
    | "Node TLS"
    | "Audit"
    | "OTLP"
    | "Raft"
    | "Database"
    | "Changes"
    | "Queued writes"
    | "Backups"
    | "General";
  /** As it would be written on the command line; "" for none. */
  readonly default: string;
  /** What help calls the value; "" for a switch. */
  readonly value: string;
  readonly help: string;
  /** All that a text may be, where it is one of a few. */
  readonly words?: readonly string[];
  /** Bounds of a count, a size in bytes or a duration in milliseconds, both inclusive. */
  readonly min?: number;
  readonly max?: number;
  /** A duration above this, in milliseconds, is cut to it with a warning. */
  readonly cutAt?: number;
}

export const minute = 60_000;
export const hour = 60 * minute;
/** Of what no single timer waits for. */
export const years = 10 * 365 * 24 * hour;
/** Below what a timer of the runtime can wait for (2^31 ms). */
export const longest = 576 * hour;
