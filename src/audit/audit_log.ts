import { networkOf } from "../access/client_network.ts";
import { FailureLimit } from "../access/failure_limit.ts";
import { joinBytes } from "../base/bytes.ts";
import { messageOf } from "../base/message_of.ts";
import { Recent } from "../base/recent.ts";
import type { Clock, Logger } from "../io/types.ts";
import { within } from "../io/within.ts";
import { auditLine } from "./audit_line.ts";
import type { Audit, AuditEvent } from "./types.ts";

/** Lines that wait to be written, in bytes. */
const waitingBytesMax = 1024 * 1024;

/**
 * What strangers can have written: a burst from one address and from all of them, and one more after
 * so many ms. Without, whoever reaches a port could fill a disk; acts that succeed are never held back.
 */
const addressLimits = { failuresMax: 200, forgottenMs: 100, keysMax: 10_000 };
const allLimits = { failuresMax: 2_000, forgottenMs: 10, keysMax: 1 };

/** What is kept of the lines to be looked at; sizes in characters. */
const recentBounds = { itemsMax: 500, sizeMax: 512 * 1024 };

/** How long to wait before lines that could not be written are tried again, in ms. */
const retryMs = 1_000;
/** How long the last lines may take, in ms: a file may be on a disk that does not answer. */
const closeMsMax = 1_000;

/** Where lines go: they are written in turn, never two at a time. */
export interface AuditSink {
  /** Resolves when all is written; what it rejects with says why nothing of it is. */
  write(bytes: Uint8Array): Promise<void>;
  /** Goes on in a new file of the same name, after the old one was moved away. */
  reopen(): void;
  close(): void;
}

export interface AuditLogOptions {
  readonly sink: AuditSink;
  readonly clock: Clock;
  readonly logger: Logger;
  /** This node's id, as its operator named it. */
  readonly node: string;
  readonly wantsSql: boolean;
}

export interface AuditFigures {
  /** Lines, since the start. */
  readonly written: number;
  /** Events that are in no line, since the start. */
  readonly lost: number;
  /** Why lines cannot be written; undefined while they can. */
  readonly failure: string | undefined;
}

const encoder = new TextEncoder();

/**
 * Writes who did what, one line of JSON for each event, in their order. Nothing waits for it, and
 * what befalls it befalls nothing else: lines that cannot be written wait until they can, and those
 * for which there is no room, or of which strangers cause too many, are counted in the next one.
 */
export class AuditLog implements Audit {
  readonly wantsSql: boolean;
  /** The last lines, each as it is written. */
  readonly recent = new Recent<string>(recentBounds);
  readonly #options: AuditLogOptions;
  readonly #addresses = new FailureLimit(addressLimits);
  readonly #all = new FailureLimit(allLimits);
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #written = 0;
  #lost = 0;
  /** Of the lost, those that no line has told of. */
  #untold = 0;
  #failure: string | undefined;
  #writing: Promise<void> | undefined;
  #closing = false;
  /** Ends the pause before the next try. */
  #wake: (() => void) | undefined;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.wantsSql = options.wantsSql;
  }

  get figures(): AuditFigures {
    return { written: this.#written, lost: this.#lost, failure: this.#failure };
  }

  record(event: AuditEvent): void {
    if (this.#isTooMuch(event)) return this.#lose();
    const { clock, node } = this.#options;
    const text = auditLine(event, {
      wallTime: clock.wallTime(),
      node,
      lost: this.#untold,
      withSql: this.wantsSql,
    });
    const line = encoder.encode(text);
    if (this.#waitingBytes + line.length > waitingBytesMax) return this.#lose();
    this.recent.push(text, text.length);
    this.#untold = 0;
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#write().finally(() => this.#writing = undefined);
  }

  /** Goes on in a new file, and tries at once what waits: to be called on SIGHUP. */
  check(): Promise<void> {
    this.#options.sink.reopen();
    this.#wake?.();
    return Promise.resolve();
  }

  /** Writes what waits, if that can be, and soon; nothing may be recorded any more. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wake?.();
    if (this.#writing !== undefined) await within(this.#options.clock, closeMsMax, this.#writing);
    if (this.#waiting.length > 0) {
      const text = `${this.#waiting.length} audit lines are lost: they could not be written`;
      this.#options.logger.log("ERROR", "audit", text);
    }
    this.#options.sink.close();
  }

  #lose(): void {
    this.#lost++;
    this.#untold++;
  }

  /** Whether this is one too many of what somebody can cause who may do nothing. */
  #isTooMuch({ outcome, requester }: AuditEvent): boolean {
    if (outcome !== "refused" && outcome !== "failed") return false;
    const now = this.#options.clock.now();
    const address = networkOf(requester?.address ?? "");
    if (this.#addresses.waitMs(address, now) > 0 || this.#all.waitMs("", now) > 0) return true;
    this.#addresses.failed(address, now);
    this.#all.failed("", now);
    return false;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const count = this.#waiting.length;
      const lines = joinBytes(this.#waiting);
      try {
        await this.#options.sink.write(lines);
      } catch (error) {
        this.#failed(messageOf(error));
        if (this.#closing) return;
        await this.#pause();
        continue;
      }
      this.#waiting.splice(0, count);
      this.#waitingBytes -= lines.length;
      this.#written += count;
      this.#recovered();
    }
  }

  #failed(reason: string): void {
    if (this.#failure === undefined) {
      const text = `Audit lines cannot be written, and wait until they can: ${reason}`;
      this.#options.logger.log("ERROR", "audit", text);
    }
    this.#failure = reason;
  }

  #recovered(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    const text = `Audit lines are written again; ${this.#untold} events since are in no line`;
    this.#options.logger.log("INFO", "audit", text);
  }

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(retryMs, resolve);
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
    timer.cancel();
  }
}
