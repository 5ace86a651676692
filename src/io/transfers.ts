import { formatDuration } from "../base/duration.ts";
import type { Clock, Logger } from "./types.ts";

/** What is moved. */
export type TransferKind =
  | "auto-backup"
  | "archive-base"
  | "auto-restore"
  | "standby-base"
  | "load"
  | "backup"
  | "snapshot-sent"
  | "snapshot-received";

/** How far a transfer is. Sizes in bytes, times in ms. */
export interface TransferFigures {
  readonly kind: TransferKind;
  /** From where, or to where. */
  readonly what: string;
  readonly bytes: number;
  /** Undefined where nobody can say. */
  readonly totalBytes: number | undefined;
  readonly elapsedMs: number;
  /** Lately. */
  readonly bytesPerSecond: number;
  /** At that rate; undefined where the total is, or where nothing moves. */
  readonly leftMs: number | undefined;
}

/** Over which the rate is taken, at least, in ms. */
const windowMs = 5_000;
/** Between two lines in the log about one transfer, in ms. */
const lineMs = 30_000;

/** What a transfer is going to be. */
export interface Expected {
  readonly what: string;
  readonly totalBytes?: number | undefined;
}

/** One that is under way. */
export class Transfer {
  readonly #clock: Pick<Clock, "now">;
  readonly #kind: TransferKind;
  readonly #what: string;
  /** Undefined: nobody is told. */
  readonly #logger: Logger | undefined;
  readonly #startedAt: number;
  #saidAt: number;
  #totalBytes: number | undefined;
  #bytes = 0;
  /** Two marks behind which the rate is taken: by turns each is old enough. */
  #older: { readonly at: number; readonly bytes: number };
  #newer: { readonly at: number; readonly bytes: number };

  constructor(
    clock: Pick<Clock, "now">,
    kind: TransferKind,
    { what, totalBytes }: Expected,
    logger?: Logger,
  ) {
    this.#clock = clock;
    this.#kind = kind;
    this.#what = what;
    this.#logger = logger;
    this.#totalBytes = totalBytes;
    this.#startedAt = this.#saidAt = clock.now();
    this.#older = this.#newer = { at: this.#startedAt, bytes: 0 };
  }

  get figures(): TransferFigures {
    const now = this.#clock.now();
    const { at, bytes } = this.#older;
    const bytesPerSecond = now > at ? (this.#bytes - bytes) * 1000 / (now - at) : 0;
    const total = this.#totalBytes;
    return {
      kind: this.#kind,
      what: this.#what,
      bytes: this.#bytes,
      totalBytes: total,
      elapsedMs: now - this.#startedAt,
      bytesPerSecond,
      leftMs: total === undefined || bytesPerSecond === 0
        ? undefined
        : Math.max(0, total - this.#bytes) * 1000 / bytesPerSecond,
    };
  }

  /** So many bytes are behind it, in all; what is read again counts once. */
  reached(bytes: number): void {
    if (bytes <= this.#bytes) return;
    this.#bytes = bytes;
    const at = this.#clock.now();
    if (at - this.#newer.at >= windowMs) {
      this.#older = this.#newer;
      this.#newer = { at, bytes };
    }
    if (at - this.#saidAt >= lineMs) {
      this.#saidAt = at;
      const text = `${this.#kind}, ${this.#what}: ${progressText(this.figures)}`;
      this.#logger?.log("INFO", "transfer", text);
    }
  }

  add(bytes: number): void {
    this.reached(this.#bytes + bytes);
  }

  /** The same bytes, counted as they pass; `sizeIn`: how many all are, where the first piece says so. */
  async *over(
    body: AsyncIterable<Uint8Array>,
    sizeIn: (first: Uint8Array) => number | undefined = () => undefined,
  ): AsyncGenerator<Uint8Array> {
    for await (const piece of body) {
      if (this.#bytes === 0) this.#totalBytes ??= sizeIn(piece);
      yield piece;
      this.add(piece.length);
    }
  }
}

/** The long transfers of a node, while they are under way; each is in the log now and then. */
export class Transfers {
  readonly #clock: Pick<Clock, "now">;
  readonly #logger: Logger;
  readonly #open = new Set<Transfer>();

  constructor(clock: Pick<Clock, "now">, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** The oldest first. */
  get figures(): TransferFigures[] {
    return [...this.#open].map(({ figures }) => figures);
  }

  /** To be ended by `end`. */
  begin(kind: TransferKind, expected: Expected): Transfer {
    const transfer = new Transfer(this.#clock, kind, expected, this.#logger);
    this.#open.add(transfer);
    return transfer;
  }

  /** Undefined: there is nothing to end. */
  end(transfer: Transfer | undefined): void {
    if (transfer !== undefined) this.#open.delete(transfer);
  }

  /** The same bytes, counted as they pass, from the first that is asked for to their end. */
  async *counted(
    kind: TransferKind,
    expected: Expected,
    body: AsyncIterable<Uint8Array>,
    sizeIn?: (first: Uint8Array) => number | undefined,
  ): AsyncGenerator<Uint8Array> {
    const transfer = this.begin(kind, expected);
    try {
      yield* transfer.over(body, sizeIn);
    } finally {
      this.end(transfer);
    }
  }
}

/** A source whose bytes are counted as they are read, until `end`. Undefined: nobody counts. */
export function countedSource<
  Source extends { read(at: number, length: number): Promise<Uint8Array> },
>(
  transfers: Transfers | undefined,
  kind: TransferKind,
  { source, ...expected }: Expected & { readonly source: Source },
): { readonly source: Source; end(): void } {
  if (transfers === undefined) return { source, end: () => {} };
  const transfer = transfers.begin(kind, expected);
  const read = async (at: number, length: number) => {
    const piece = await source.read(at, length);
    transfer.reached(at + piece.length);
    return piece;
  };
  return { source: { ...source, read }, end: () => transfers.end(transfer) };
}

/** `12.0 MiB of 200.0 MiB (6 %), 30.1 MiB/s, 6s left`, as far as it is known. */
export function progressText(
  { bytes, totalBytes, bytesPerSecond, leftMs }: Pick<
    TransferFigures,
    "bytes" | "totalBytes" | "bytesPerSecond" | "leftMs"
  >,
): string {
  const parts = [
    totalBytes
      ? `${sizeText(bytes)} of ${sizeText(totalBytes)} (${
        Math.min(100, Math.floor(100 * bytes / totalBytes))
      } %)`
      : sizeText(bytes),
  ];
  if (bytesPerSecond > 0) parts.push(`${sizeText(Math.round(bytesPerSecond))}/s`);
  if (leftMs !== undefined) parts.push(`${formatDuration(Math.ceil(leftMs / 1000) * 1000)} left`);
  return parts.join(", ");
}

/** Bytes as people read them: 512 B, 1.5 MiB. */
function sizeText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let size = bytes;
  let unit = 0;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}
