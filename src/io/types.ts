/** The outside world as the program sees it: what the simulator swaps for its own. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /**
   * Milliseconds that never go back, from an arbitrary start. Those in which the machine slept count,
   * where the system knows of them: leases, and what was promised to them, rest on that.
   */
  now(): number;
  /** Milliseconds since 1970-01-01 UTC, as the machine believes. */
  wallTime(): number;
  /**
   * Calls `callback` once, `delayMs` from now; after 0 in the next turn of the event loop. Later by as
   * long as the machine slept meanwhile.
   */
  after(delayMs: number, callback: () => void): Timer;
}

/** A file of the log: every call fails with a DiskError that names the file. */
export interface DiskFile {
  readonly path: string;
  /** Writes all of `bytes` at `offset`. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Reads up to `length` bytes at `offset`; fewer only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  size(): Promise<number>;
  truncate(size: number): Promise<void>;
  /** fdatasync: data and size are on the disk when it resolves. */
  sync(): Promise<void>;
  close(): void;
}

export interface Disk {
  open(path: string, options: { create: boolean }): Promise<DiskFile>;
  /** Names in a directory, sorted. */
  list(directory: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  makeDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Gives a file another name beside its own; not every file system can. */
  link(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** fsync of a directory: creations, renames and removals in it are on the disk. */
  syncDirectory(path: string): Promise<void>;
}

export type DiskErrorKind = "full" | "not_found" | "permission" | "failed";

/** What went wrong with which file. */
export class DiskError extends Error {
  override name = "DiskError";
  constructor(
    readonly kind: DiskErrorKind,
    readonly path: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A byte stream to another node. `read` resolves to null at its end. */
export interface Connection {
  readonly remoteAddress: string;
  read(into: Uint8Array): Promise<number | null>;
  /** Resolves when all bytes are with the operating system. */
  write(bytes: Uint8Array): Promise<void>;
  close(): void;
}

/**
 * The other end must not be talked with, by how it speaks or what it shows: thrown by `connect`, and
 * by the first `read` of a connection that was accepted. The message says why, and the way out; it
 * may be told to the other end by a `write`, which fails where there is no way to.
 */
export class PeerRefusal extends Error {
  override name = "PeerRefusal";
}

export interface Listener {
  readonly address: string;
  accept(): Promise<Connection | null>;
  close(): void;
}

export interface Network {
  listen(address: string): Promise<Listener>;
  connect(address: string, timeoutMs: number): Promise<Connection>;
}

export type LogLevel = "DEBUG" | "INFO" | "WARN" | "ERROR";

/** A line of the log. */
export interface LogLine {
  /** In milliseconds since 1970 UTC. */
  readonly wallTime: number;
  readonly level: LogLevel;
  readonly room: string;
  readonly message: string;
}

/** Says what happened, in the order that it did, on standard error. */
export interface Logger {
  log(level: LogLevel, room: string, message: string): void;
}

/** Where chance comes from; the seeded Prng of base is one. */
export interface Random {
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number;
  /** 64 random bits. */
  uint64(): bigint;
}
