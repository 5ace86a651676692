import { sameBytes } from "../base/bytes.ts";
import { messageOf } from "../base/message_of.ts";
import { embeddedFileName } from "./build.ts";
import { cacheDirectory, makeFile, makePrivateDirectory } from "./cache.ts";
import { readIfThere } from "./read_if_there.ts";

/** Puts the library into a file, and returns its path. */
export type Extraction = () => Promise<string>;

/**
 * A library inside the program must be put into a file to be opened. These are the ways to do so,
 * best first: a directory may be read-only, or on a file system from which nothing can be loaded.
 * None when the program has no library.
 * @param own A directory that this process may write to in any case.
 */
export async function embeddedExtractions(own: string | undefined): Promise<Extraction[]> {
  if (!Deno.build.standalone) return [];
  const bytes = await readIfThere(new URL(`./embedded/${embeddedFileName()}`, import.meta.url));
  return bytes === undefined ? [] : extractionsOf(bytes, [cacheDirectory(), own]);
}

/** Those of `bytes`: into the directories that there are, and into one that goes with the program. */
export function extractionsOf(
  bytes: Uint8Array<ArrayBuffer>,
  directories: readonly (string | undefined)[],
): Extraction[] {
  const kept = directories.filter((directory) => directory !== undefined);
  return [
    ...kept.map((directory) => () => extractInto(directory, bytes)),
    () => extractForThisRun(bytes),
  ];
}

async function extractForThisRun(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-" }).catch((error) => {
    throw unplaced("a temporary directory", error);
  });
  addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
  return extractInto(directory, bytes);
}

/** Later starts find it there. */
async function extractInto(directory: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new DataView(await crypto.subtle.digest("SHA-256", bytes));
  const sum = digest.getBigUint64(0).toString(16).padStart(16, "0");
  const path = `${directory}/embedded-${sum}-${embeddedFileName()}`;
  try {
    await makePrivateDirectory(directory);
    const present = await readIfThere(path);
    if (present === undefined || !sameBytes(present, bytes)) {
      await makeFile(
        path,
        (temporaryPath) => Deno.writeFile(temporaryPath, bytes, { mode: 0o700 }),
      );
    }
  } catch (error) {
    throw unplaced(directory, error);
  }
  return path;
}

function unplaced(place: string, error: unknown): Error {
  return new Error(`SQLite's library cannot be put into ${place}: ${messageOf(error)}`);
}
