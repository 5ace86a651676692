import type { AppliedPosition } from "./types.ts";

export interface BackupOptions {
  readonly format: "binary" | "delete" | "sql";
  readonly vacuum: boolean;
  /** SQL dumps only; empty for all. */
  readonly tables: readonly string[];
}

/** A backup on its way to a client. */
export interface BackupCopy {
  /** Up to where it goes. */
  readonly position: AppliedPosition;
  readonly sizeBytes: number;
  readonly body: ReadableStream<Uint8Array>;
}

export type Compression = "none" | "gzip" | "zstd";

export interface PackedSums {
  readonly sizeBytes: number;
  /** Hexadecimal, of the packed file. */
  readonly sha256: string;
  /** Base64, of the packed file. */
  readonly md5: string;
  /** Hexadecimal, of the database in it; the same as long as nothing in it changes. */
  readonly contentSha256: string;
}

/** Why a user's backup cannot be restored. */
export class DamagedBackupError extends Error {
  override name = "DamagedBackupError";
}

export interface PackOptions {
  readonly vacuum: boolean;
  readonly compression: Compression;
  /** "wal" unless it says otherwise or the copy is vacuumed. */
  readonly journal?: "wal" | "delete";
  /** "all": with what the store keeps for itself, to go on from; never vacuumed. */
  readonly content?: "user" | "all";
}

/** A backup in a file of this node's, to be read as often as it takes. */
export interface PackedBackup extends PackedSums {
  /** Up to where it goes. */
  readonly position: AppliedPosition;
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Removes it. */
  close(): Promise<void>;
}

/** A user's backup that was found sound, unpacked in a file of this node's. */
export interface CheckedBackup {
  readonly sizeBytes: number;
  /** As of a PackedBackup. */
  readonly contentSha256: string;
  body(): AsyncIterable<Uint8Array>;
  /** Removes it. */
  close(): Promise<void>;
}
