import type { Clock } from "../../io/types.ts";
import type { BackupCopy, BackupOptions } from "../types.ts";
import type { Copier } from "./copier.ts";
import { type ReadableCopy, streamCopy } from "./copy_stream.ts";
import { type Images, NoImageError, type ReadableImage } from "./images.ts";
import { readFile } from "./snapshot_body.ts";
import type { TemporaryFiles } from "./temporary_files.ts";

export interface ClientBackupsParts {
  /** Of the database. */
  readonly path: string;
  readonly images: Images;
  readonly temporaries: TemporaryFiles;
  readonly copier: Copier;
  readonly clock: Clock;
  /** How long a client may take nothing, in ms. */
  readonly stallMs: number;
}

/**
 * Backups on their way to clients: the database's own bytes where they are what is wanted, and a
 * file made for it where SQLite has to write another one, or SQL.
 */
export class ClientBackups {
  readonly #parts: ClientBackupsParts;

  constructor(parts: ClientBackupsParts) {
    this.#parts = parts;
  }

  async open(options: BackupOptions, signal?: AbortSignal): Promise<BackupCopy> {
    const image = await this.#openImage(options, signal);
    if (image === undefined) return await this.#make(options, signal);
    const { position, sizeBytes } = image;
    const copy = { pieces: image.pieces(), close: () => image.close() };
    return { position, sizeBytes, body: this.#stream(copy, signal) };
  }

  async #openImage(
    { format, vacuum }: BackupOptions,
    signal: AbortSignal | undefined,
  ): Promise<ReadableImage | undefined> {
    if (format === "sql" || vacuum) return undefined;
    const journal = format === "binary" ? "wal" : "delete";
    try {
      return await this.#parts.images.open("backup", { of: "user", journal }, signal);
    } catch (error) {
      if (error instanceof NoImageError) return undefined;
      throw error;
    }
  }

  async #make(options: BackupOptions, signal: AbortSignal | undefined): Promise<BackupCopy> {
    const { path, temporaries, copier } = this.#parts;
    const made = temporaries.make("backup");
    try {
      const request = { type: "backup", path, target: made.path, options } as const;
      const position = await copier.run<"backup">(request, signal);
      const file = await made.open({ create: false });
      const sizeBytes = await file.size();
      const copy = { pieces: readFile(file, sizeBytes), close: () => made.remove() };
      return { position, sizeBytes, body: this.#stream(copy, signal) };
    } catch (error) {
      await made.remove();
      throw error;
    }
  }

  #stream(copy: ReadableCopy, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
    const { clock, stallMs } = this.#parts;
    return streamCopy(copy, { clock, stallMs, signal });
  }
}
