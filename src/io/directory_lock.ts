import { attempt } from "./disk_errors.ts";

/** Thrown when another process holds the lock of a directory. */
export class DirectoryLockedError extends Error {
  override name = "DirectoryLockedError";
}

/** A directory held for this process; the operating system lets go when the process dies. */
export interface DirectoryLock {
  release(): void;
}

/** How long a lock may take where the runtime only has one that waits, in ms (Deno before 2.8). */
const waitMs = 1000;

type TryLock = (exclusive: boolean) => Promise<boolean>;

/** The lock that does not wait, where the runtime has it. */
function tryLockOf(file: Deno.FsFile): TryLock | undefined {
  const method: unknown = Reflect.get(file, "tryLock");
  return typeof method === "function" ? (exclusive) => method.call(file, exclusive) : undefined;
}

/** True when the file was locked at once or, without `tryLock`, within `waitMs`; else it is closed. */
async function acquire(file: Deno.FsFile): Promise<boolean> {
  const tryLock = tryLockOf(file);
  if (tryLock !== undefined) {
    const locked = await tryLock(true);
    if (!locked) file.close();
    return locked;
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), waitMs);
  });
  const lock = file.lock(true).then(() => true as const);
  const locked = await Promise.race([lock, late]);
  clearTimeout(timer);
  if (!locked) lock.then(() => file.close(), () => {});
  return locked;
}

/**
 * Takes the exclusive advisory lock on the file `lock` in `directory`, which holds the process id
 * of its owner. Throws a DirectoryLockedError when another process, or another part of this one,
 * has it.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = `${directory}/lock`;
  const file = await attempt(
    "open",
    path,
    () => Deno.open(path, { read: true, write: true, create: true }),
  );
  if (!(await attempt("lock", path, () => acquire(file)))) {
    const owner = (await Deno.readTextFile(path).catch(() => "")).trim();
    throw new DirectoryLockedError(
      `Data directory ${directory} is in use by process ${owner || "unknown"}: ` +
        `stop that process, or give this one a directory of its own`,
    );
  }
  await attempt("write to", path, async () => {
    await file.truncate(0);
    await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
  });
  return { release: () => file.close() };
}
