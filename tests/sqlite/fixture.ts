import { Database, findLibrary, type Library, openLibrary } from "../../src/sqlite/mod.ts";

/** The pinned library where it is built already, else the system's; DENO_SQLITE_PATH names another. */
export const library: Library = openLibrary(await findLibrary({ build: false }));

export function openMemory(): Database {
  return new Database(":memory:", { library });
}

/** Runs `body` with a directory that is removed afterwards. */
export async function withDirectory(
  body: (directory: string) => void | Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-sqlite-" });
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
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
