import type { LibraryLocation } from "./library.ts";

export interface FindOptions {
  /** Told what is being done when that takes long, and what failed. */
  readonly log?: (message: string) => void;
}

/** System names. */
const systemNames: Partial<Record<typeof Deno.build.os, readonly string[]>> = {
  darwin: ["/usr/lib/libsqlite3.dylib", "libsqlite3.dylib"],
  windows: ["sqlite3.dll", "winsqlite3.dll"],
};

export function findLibrary(_options: FindOptions = {}): Promise<LibraryLocation> {
  const path = Deno.env.get("DENO_SQLITE_PATH");
  if (path) return Promise.resolve({ path, origin: "environment" });
  const names = systemNames[Deno.build.os] ?? ["libsqlite3.so.0"];
  return Promise.resolve({ path: names[0] ?? "", origin: "system" });
}
