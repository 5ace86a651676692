import type { symbols } from "./symbols.ts";

/** Why a library is used: see {@linkcode findLibrary}. */
export type LibraryOrigin = "environment" | "embedded" | "built" | "system";

/** Which SQLite library to open; plain data, so that Workers can be told. */
export interface LibraryLocation {
  readonly path: string;
  readonly origin: LibraryOrigin;
}

export interface FindOptions {
  /** Told what is being tried when that takes long or fails: a build takes about half a minute. */
  readonly log?: (message: string) => void;
}

/**
 * Finds the SQLite library for this process, in this order: the file that DENO_SQLITE_PATH names;
 * the copy embedded in the compiled program; the pinned copy, built once for this user; the
 * system's. Called once, in the main thread: Workers get the result.
 */
export function findLibrary(_options: FindOptions = {}): Promise<LibraryLocation> {
  throw new Error("Not written yet");
}

/** An opened SQLite library. Each thread opens its own; the process holds one copy of it. */
export interface Library extends LibraryLocation {
  /** As `sqlite3_libversion`: "3.53.2". */
  readonly version: string;
  /** As `sqlite3_libversion_number`: 3053002. */
  readonly versionNumber: number;
  readonly sourceId: string;
  readonly symbols: Deno.DynamicLibrary<typeof symbols>["symbols"];
}

/** Opens the library in this thread; throws when the file is no SQLite of 3.38 or newer, built threadsafe. */
export function openLibrary(_location: LibraryLocation): Library {
  throw new Error("Not written yet");
}
