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

/**
 * Makes the file `path` whole or not at all: `make` writes a temporary file beside it, which is
 * then renamed. Several processes may do it at once; the last one wins.
 */
export async function makeFile(
  path: string,
  make: (temporaryPath: string) => Promise<void>,
): Promise<void> {
  const temporaryPath = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await make(temporaryPath);
    await Deno.rename(temporaryPath, path);
  } catch (error) {
    await Deno.remove(temporaryPath).catch(() => {});
    throw error;
  }
}
