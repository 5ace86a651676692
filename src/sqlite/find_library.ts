import { sameBytes } from "../base/bytes.ts";
import { messageOf } from "../base/message_of.ts";
import { buildLibrary, builtLibraryPath, embeddedFileName } from "./build.ts";
import { cacheDirectory, makeFile, makePrivateDirectory } from "./cache.ts";
import { type LibraryLocation, openLibrary } from "./library.ts";

export interface FindOptions {
  /** Told what is being done when that takes long, and what failed. */
  readonly log?: (message: string) => void;
  /** False: use the pinned library only when it has been built before. Default true. */
  readonly build?: boolean;
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
  const { log = () => {}, build = true } = options;
  const named = Deno.env.get("DENO_SQLITE_PATH");
  if (named) return usable({ path: named, origin: "environment" });

  const attempts: (() => Promise<LibraryLocation | undefined>)[] = [
    extractEmbedded,
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

/** A library inside the program must be put into a file to be opened; later starts find it there. */
async function extractEmbedded(): Promise<LibraryLocation | undefined> {
  if (!Deno.build.standalone) return undefined;
  const bytes = await readIfThere(new URL(`./embedded/${embeddedFileName()}`, import.meta.url));
  if (bytes === undefined) return undefined;
  const directory = cacheDirectory();
  const path = directory === undefined
    ? undefined
    : await extractInto(directory, bytes).catch(() => undefined);
  return { path: path ?? await extractForThisRun(bytes), origin: "embedded" };
}

/** Without a cache directory: into one that goes when the program ends. */
async function extractForThisRun(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-" });
  addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
  return extractInto(directory, bytes);
}

async function extractInto(directory: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  await makePrivateDirectory(directory);
  const digest = new DataView(await crypto.subtle.digest("SHA-256", bytes));
  const sum = digest.getBigUint64(0).toString(16).padStart(16, "0");
  const path = `${directory}/embedded-${sum}-${embeddedFileName()}`;
  const present = await readIfThere(path);
  if (present === undefined || !sameBytes(present, bytes)) {
    await makeFile(path, (temporaryPath) => Deno.writeFile(temporaryPath, bytes, { mode: 0o700 }));
  }
  return path;
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

async function readIfThere(path: string | URL): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
