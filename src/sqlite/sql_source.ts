/**
 * SQL text that may hold several statements, in UTF-8, and how far it has been read:
 * `Database.prepareNext` moves on by one statement.
 *
 * SQLite ends SQL at its first NUL; here NUL in SQL is an error, so that nothing behind one is
 * silently left out.
 */
export class SqlSource {
  /** The text in UTF-8, ended by a NUL. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Byte offset of what has not been read. */
  offset = 0;

  constructor(_sql: string) {
    throw new Error("Not written yet");
  }

  /** Length of the text in bytes. */
  get length(): number {
    return this.bytes.length - 1;
  }

  /** The SQL that has not been read. */
  get rest(): string {
    throw new Error("Not written yet");
  }
}
