import { messageOf } from "../base/message_of.ts";
import { forgetRecorded } from "../changes/change_file.ts";
import type { Disk, Logger } from "../io/types.ts";
import type { Library } from "../sqlite/mod.ts";
import { alignChanges } from "./align_changes.ts";
import type { Batches } from "./apply/batches.ts";
import type { ChangesFile } from "./apply/write_connection.ts";
import type { Writer } from "./apply/writer.ts";
import { exchangeDatabase } from "./copy/file_exchange.ts";
import { setDatabaseAside } from "./copy/set_aside.ts";
import type { TemporaryFile, TemporaryFiles } from "./copy/temporary_files.ts";
import { syncWal, writeWalAgain } from "./copy/wal_file.ts";
import type { WalKeeper } from "./copy/wal_keeper.ts";
import { StoreFailedError, untrusted } from "./failures.ts";
import type { LifeCycle } from "./life_cycle.ts";
import type { StoreOptions } from "./options.ts";
import type { PageChecks } from "./page_checks.ts";

interface Parts {
  readonly path: string;
  /** Where the changes of its rows are, if `changesFile` says that they are kept. */
  readonly changesPath: string;
  readonly library: Library;
  readonly foreignKeys: boolean;
  readonly slow: StoreOptions["slow"];
  readonly changesFile: ChangesFile | undefined;
  readonly disk: Disk;
  readonly logger: Logger;
  readonly life: LifeCycle;
  readonly writer: Writer;
  readonly batches: Batches;
  readonly wal: WalKeeper;
  readonly pageChecks: PageChecks;
  readonly temporaries: Pick<TemporaryFiles, "make">;
}

/** The database's file: opened, exchanged for another, closed, and what a full disk does to that. */
export class DatabaseFile {
  readonly #parts: Parts;
  #compileOptions: readonly string[] = [];
  #full: string | undefined;
  #isClosing = false;
  /** What it was before the last exchange, which is removed beside what follows. */
  #replaced: TemporaryFile | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Of the SQLite that has it open. */
  get compileOptions(): readonly string[] {
    return this.#compileOptions;
  }

  /** Set while writes wait for room on the disk, to what the system says. */
  get full(): string | undefined {
    return this.#full;
  }

  /** For the first time. Rejects when it cannot be used. */
  async open(): Promise<void> {
    const { disk, path, changesFile, pageChecks, life } = this.#parts;
    await writeWalAgain(disk, path);
    await alignChanges(this.#parts, changesFile);
    await pageChecks.begin();
    await this.#openWriter();
    life.opened();
  }

  async #openWriter(): Promise<void> {
    const { library, path, foreignKeys, slow, changesFile, writer, batches } = this.#parts;
    const opened = await writer.open(library, path, foreignKeys, slow, changesFile);
    this.#compileOptions = opened.compileOptions;
    batches.opened(opened);
  }

  /** Makes durable what its WAL has. A failure stops the store. */
  async syncWal(): Promise<void> {
    const { path, disk, life } = this.#parts;
    try {
      await syncWal(disk, path);
    } catch (error) {
      const failure = untrusted(path, error);
      life.fail(failure);
      throw failure;
    }
  }

  /** Puts another file in its place; reads wait meanwhile. A failure stops the store. */
  async exchange(file: string, setAside = false): Promise<void> {
    const { path, disk, logger, life, writer, wal, pageChecks, temporaries } = this.#parts;
    const { library, changesFile, batches } = this.#parts;
    try {
      await life.exchange(async () => {
        await writer.letGo(setAside ? "set_aside" : "exchange");
        pageChecks.end();
        if (setAside) {
          // What was recorded of a damaged copy may be as wrong as that.
          if (changesFile !== undefined) {
            forgetRecorded(library, changesFile.path, batches.applied.index + 1);
          }
          const aside = await setDatabaseAside(disk, path);
          logger.log("WARN", "store", `The damaged database is kept in ${aside}`);
        }
        // Each takes the room of a whole database: there is one at a time.
        await this.#replaced?.remove();
        const { path: replaced } = this.#replaced = temporaries.make("replaced");
        await exchangeDatabase({ disk, from: file, path, replaced });
        wal.exchanged();
        await pageChecks.begin();
        await this.#openWriter();
      });
      void this.#replaced?.remove();
    } catch (error) {
      const failure = new StoreFailedError(
        `Database ${path} could not be replaced: ${messageOf(error)}`,
        { cause: error },
      );
      life.fail(failure);
      throw failure;
    }
  }

  /** The writer waits for room, for this reason, or waits no more. */
  noteFull(message: string | undefined): void {
    this.#full = message;
    if (this.#isClosing) this.#giveUpExchange();
    const { logger, path } = this.#parts;
    if (message !== undefined) {
      logger.log("ERROR", "store", `No room for database ${path}: writes wait until there is some`);
    } else logger.log("INFO", "store", "The disk has room again: writes go on");
  }

  async close(): Promise<void> {
    const { life, writer, pageChecks } = this.#parts;
    this.#isClosing = true;
    this.#giveUpExchange();
    let inGoodOrder = false;
    await life.close(async () => {
      // A batch that nobody waits for any more may be at a statement without end: it is cut off, and
      // the log has it. One that waits for room lets go.
      const stuck = writer.applying && this.#full === undefined;
      if (stuck) return;
      await writer.letGo();
      inGoodOrder = true;
    });
    if (inGoodOrder) pageChecks.seal();
    else pageChecks.leave();
  }

  /** An exchange that waits for room would hold up the end: after a crash either file is there, whole. */
  #giveUpExchange(): void {
    const { life, writer, path } = this.#parts;
    if (this.#full === undefined || life.state !== "exchanging") return;
    const why = `The store is closed, without room to exchange database ${path}`;
    writer.fail(new StoreFailedError(why));
  }

  /** After a failed opening: whatever was started is ended. */
  async abandon(): Promise<void> {
    const { life, pageChecks } = this.#parts;
    await life.close(() => Promise.resolve());
    pageChecks.leave();
  }
}
