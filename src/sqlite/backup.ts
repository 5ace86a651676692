import type { Database } from "./database.ts";

/** Copies one database into another, some pages at a time. https://www.sqlite.org/c3ref/backup_finish.html */
export declare class Backup implements Disposable {
  constructor(
    destination: Database,
    source: Database,
    options?: { readonly destinationSchema?: string; readonly sourceSchema?: string },
  );
  /** Copies up to `pages` (-1: all); true when all are copied. Throws SQLITE_BUSY, which may be tried again. */
  step(pages: number): boolean;
  get remaining(): number;
  get pageCount(): number;
  close(): void;
  [Symbol.dispose](): void;
}
