import { Database, findLibrary, type Library, openLibrary } from "../../src/sqlite/mod.ts";

export { withDirectory } from "../directory.ts";

/** The pinned library where it is built already, else the system's; DENO_SQLITE_PATH names another. */
export const library: Library = openLibrary(await findLibrary({ build: false }));

export function openMemory(): Database {
  return new Database(":memory:", { library });
}

/** The SqliteError that `body` throws. */
export function codeNameOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof Error && "codeName" in error) return String(error.codeName);
    throw error;
  }
  throw new Error("No error was thrown");
}

/** Whether this file is what a page describes: some features came after the oldest version allowed. */
export function since(versionNumber: number): boolean {
  return library.versionNumber >= versionNumber;
}
