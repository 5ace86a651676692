import type { CallerTeller } from "../../access/caller_teller.ts";
import type { Audit } from "../../audit/types.ts";
import type { Clock, Logger } from "../../io/types.ts";
import type {
  OutsideReader,
  OutsideReaders,
  StatementFigures,
} from "../../store/read/outside_readers.ts";
import type { TlsCredentials } from "../../tls/credentials.ts";
import type { ConnectionCount } from "../connection_count.ts";
import type { ConnectionTable } from "../connection_table.ts";
import type { ClientHandler } from "../native_server.ts";
import type { ConfirmedLevel, FromThread, ServingStart, ToThread } from "./messages.ts";
import { RequestTaker } from "./request_taker.ts";
import type { ThreadFigures } from "./thread_figures.ts";
import { type HandedWriteHandler, WriteTaker } from "./write_taker.ts";

export interface HttpThreadParts {
  readonly startWorker: () => Worker;
  readonly serving: ServingStart;
  readonly figures: ThreadFigures;
  readonly connections: ConnectionCount;
  readonly table: ConnectionTable;
  /** Carries out what is passed on. */
  readonly handler: ClientHandler;
  /** Says who somebody is that it has asked about; undefined where nobody is asked who they are. */
  readonly callers: CallerTeller | undefined;
  /** Carries out the writes that are read there. */
  readonly writes: HandedWriteHandler;
  readonly readers: OutsideReaders;
  /** Resolves when other threads may read at the level what had been asked before; rejects when not. */
  readonly confirm: (level: ConfirmedLevel) => Promise<void>;
  /** The node's, by which its permit to read ends. */
  readonly clock: Clock;
  readonly logger: Logger;
  /** Undefined where nobody wants to know who is kept out. */
  readonly audit: Audit | undefined;
  readonly died: (reason: string) => void;
}

/** A thread that serves HTTP beside the main one, as that sees it. */
export class HttpThread implements OutsideReader {
  readonly #parts: HttpThreadParts;
  readonly #worker: Worker;
  readonly #taker: RequestTaker;
  readonly #writes: WriteTaker;
  readonly #leave: () => void;
  readonly #ended = Promise.withResolvers<void>();
  readonly #stopped = Promise.withResolvers<void>();
  #over = false;
  #released: PromiseWithResolvers<void> | undefined;
  #asked: PromiseWithResolvers<void> | undefined;
  readonly #listening = Promise.withResolvers<void>();
  /** With why it cannot. */
  #renewed: PromiseWithResolvers<string | undefined> | undefined;
  /** As it last told them. */
  #statements: readonly StatementFigures[] = [];

  constructor(parts: HttpThreadParts) {
    const { startWorker, serving, handler, callers, writes, readers, died } = parts;
    this.#parts = parts;
    this.#worker = startWorker();
    this.#taker = new RequestTaker({
      handler,
      callers,
      post: (answers, transfer) => this.#post({ type: "answers", answers }, transfer),
    });
    this.#writes = new WriteTaker(
      writes,
      (outcomes) => this.#post({ type: "written", outcomes }),
    );
    this.#worker.onmessage = ({ data }: MessageEvent<FromThread>) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      if (this.#over) return;
      this.terminate();
      died(event.message);
    };
    this.#post({ type: "start", serving, reading: readers.start });
    this.#leave = readers.join(this);
  }

  #post(message: ToThread, transfer: Transferable[] = []): void {
    if (!this.#over) this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromThread): void {
    if (this.#over) return;
    const { clock, logger, audit, readers } = this.#parts;
    switch (message.type) {
      case "clock":
        this.#listening.resolve();
        this.#post({ type: "clock", nowMs: clock.now() });
        break;
      case "requests":
        this.#taker.take(message.requests);
        break;
      case "writes":
        this.#writes.take(message.batch);
        break;
      case "gone":
        this.#taker.gone(message.id);
        break;
      case "confirm":
        void this.#confirm(message.round, message.level);
        break;
      case "renewed":
        this.#renewed?.resolve(message.failure);
        break;
      case "released":
        this.#released?.resolve();
        this.#released = undefined;
        break;
      case "statements":
        this.#statements = message.figures;
        this.#asked?.resolve();
        this.#asked = undefined;
        break;
      case "slow":
        readers.reportSlow(message.statement);
        break;
      case "audit":
        audit?.record(message.event);
        break;
      case "log":
        logger.log(message.level, message.room, message.text);
        break;
      case "stopped":
        this.#stopped.resolve();
        break;
    }
  }

  async #confirm(round: number, level: ConfirmedLevel): Promise<void> {
    const confirmed = await this.#parts.confirm(level).then(() => true, () => false);
    this.#post({ type: "confirmed", round, confirmed });
  }

  resume(): void {
    this.#post({ type: "resume" });
  }

  async release(): Promise<void> {
    if (this.#over) return;
    if (this.#released === undefined) {
      this.#released = Promise.withResolvers();
      this.#post({ type: "release" });
    }
    await Promise.race([this.#released.promise, this.#ended.promise]);
  }

  get statements(): readonly StatementFigures[] {
    return this.#statements;
  }

  async askStatements(): Promise<void> {
    if (this.#asked === undefined) {
      this.#asked = Promise.withResolvers();
      this.#post({ type: "statements" });
    }
    await Promise.race([this.#asked.promise, this.#ended.promise]);
  }

  /** Resolves when it listens, or is no more. */
  async listening(): Promise<void> {
    await Promise.race([this.#listening.promise, this.#ended.promise]);
  }

  /** Has it show these to new connections; resolves with why it cannot. */
  async renew(shown: TlsCredentials): Promise<string | undefined> {
    this.#renewed = Promise.withResolvers();
    this.#post({ type: "renew", shown });
    return await Promise.race([this.#renewed.promise, this.#ended.promise.then(() => undefined)]);
  }

  closeOlder(): void {
    this.#post({ type: "close_older" });
  }

  /** Has it accept no more; resolves when its requests under way have ended. */
  async shutdown(): Promise<void> {
    this.#post({ type: "stop" });
    await Promise.race([this.#stopped.promise, this.#ended.promise]);
  }

  /** Ends it wherever it stands, and its connections with it. */
  terminate(): void {
    if (this.#over) return;
    this.#over = true;
    this.#worker.terminate();
    const { figures, connections, table, serving } = this.#parts;
    connections.add(-figures.connections);
    figures.connections = 0;
    table.forget(serving.thread);
    this.#taker.allGone();
    this.#leave();
    this.#ended.resolve();
  }
}
