import { dirname } from "node:path";

/** This user's directory for files that can be made again; undefined when the system names none. */
export function cacheDirectory(): string | undefined {
  const home = Deno.env.get("HOME");
  switch (Deno.build.os) {
    case "windows": {
      const local = Deno.env.get("LOCALAPPDATA");
      return local && `${local}\\raftlite`;
    }
    case "darwin":
      return home && `${home}/Library/Caches/raftlite`;
    default: {
      const cache = Deno.env.get("XDG_CACHE_HOME") || (home && `${home}/.cache`);
      return cache && `${cache}/raftlite`;
    }
  }
}

/** Makes a directory that only this user may use. */
export async function makePrivateDirectory(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
}

/** Longer than any file is in the making, in ms: a temporary one that is older was left by a crash. */
const abandonedMs = 3_600_000;

/** Removes temporary files of makeFile's that nobody will finish any more. */
async function removeAbandoned(directory: string): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    if (!/\.[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\.tmp$/.test(name)) continue;
    const path = `${directory}/${name}`;
    const { mtime } = await Deno.stat(path);
    if (mtime !== null && Date.now() - mtime.getTime() > abandonedMs) await Deno.remove(path);
  }
}

/**
 * Makes the file `path` whole or not at all: `make` writes a temporary file beside it, which is
 * then renamed. Several processes may do it at once; the last one wins.
 */
export async function makeFile(
  path: string,
  make: (temporaryPath: string) => Promise<void>,
): Promise<void> {
  // What another process removes at the same moment, or what is another user's, is not worth failing for.
  await removeAbandoned(dirname(path)).catch(() => {});
  const temporaryPath = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await make(temporaryPath);
    await Deno.rename(temporaryPath, path);
  } catch (error) {
    await Deno.remove(temporaryPath).catch(() => {});
    throw error;
  }
}
