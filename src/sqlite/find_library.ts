import { messageOf } from "../base/message_of.ts";
import { buildLibrary, builtLibraryPath } from "./build.ts";
import { embeddedExtractions } from "./embedded_library.ts";
import { type LibraryLocation, openLibrary } from "./library.ts";
import { readIfThere } from "./read_if_there.ts";

export interface FindOptions {
  /** Told what is being done when that takes long, and what failed. */
  readonly log?: (message: string) => void;
  /** False: use the pinned library only when it has been built before. Default true. */
  readonly build?: boolean;
  /** Where the compiled program's library may be put if this user has no cache directory. */
  readonly directory?: string;
}

const systemNames: Partial<Record<typeof Deno.build.os, readonly string[]>> = {
  darwin: [
    "/opt/homebrew/opt/sqlite/lib/libsqlite3.dylib",
    "/usr/local/opt/sqlite/lib/libsqlite3.dylib",
    "/usr/lib/libsqlite3.dylib",
  ],
  windows: ["sqlite3.dll", "winsqlite3.dll"],
};
const elfNames = ["libsqlite3.so.0", "libsqlite3.so"];

/**
 * Finds the SQLite library for this process, in this order: the file that DENO_SQLITE_PATH names;
 * the copy embedded in the compiled program; the pinned copy, built once for this user; the
 * system's. One that can't be used is logged and passed over, except the one that the user named.
 *
 * Called once, in the main thread: Workers are told the result.
 */
export async function findLibrary(options: FindOptions = {}): Promise<LibraryLocation> {
  const { log = () => {}, build = true, directory } = options;
  const named = Deno.env.get("DENO_SQLITE_PATH");
  if (named) return usable({ path: named, origin: "environment" });

  const attempts: (() => Promise<LibraryLocation | undefined>)[] = [
    ...(await embeddedExtractions(directory)).map(
      (extract) => async (): Promise<LibraryLocation> => ({
        path: await extract(),
        origin: "embedded",
      }),
    ),
    () => findBuilt(build, log),
    ...(systemNames[Deno.build.os] ?? elfNames).map((path) => () =>
      Promise.resolve<LibraryLocation>({ path, origin: "system" })
    ),
  ];
  const failures: string[] = [];
  for (const attempt of attempts) {
    try {
      const location = await attempt();
      if (location !== undefined) return usable(location);
    } catch (error) {
      const message = messageOf(error);
      failures.push(message);
      log(message);
    }
  }
  throw new Error(
    "No SQLite library can be used: install a C compiler (cc) or SQLite 3.39 or newer " +
      `(Debian: libsqlite3-0), or name one in DENO_SQLITE_PATH (${failures.join("; ")})`,
  );
}

/** Throws unless the library can be opened here. */
function usable(location: LibraryLocation): LibraryLocation {
  openLibrary(location);
  return location;
}

async function findBuilt(
  build: boolean,
  log: (message: string) => void,
): Promise<LibraryLocation | undefined> {
  const path = build && !Deno.build.standalone
    ? await buildLibrary({ log })
    : await builtLibraryPath();
  if (path === undefined || await readIfThere(path) === undefined) return undefined;
  return { path, origin: "built" };
}
