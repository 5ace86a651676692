/** https://www.sqlite.org/fileformat.html#the_database_header */
const header = "SQLite format 3\0";

/** Whether a file that was just opened begins as SQLite's do. */
export async function hasSqliteHeader(file: Deno.FsFile): Promise<boolean> {
  const start = new Uint8Array(header.length);
  const length = await file.read(start) ?? 0;
  return new TextDecoder().decode(start.subarray(0, length)) === header;
}
