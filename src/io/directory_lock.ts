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

/** The part of newer runtimes that does not wait. */
interface WithTryLock {
  tryLock(exclusive: boolean): Promise<boolean>;
}

function hasTryLock(file: object): file is WithTryLock {
  return "tryLock" in file && typeof file.tryLock === "function";
}

/** True when the lock was had at once or, without `tryLock`, within `waitMs`; the file is then kept. */
async function acquire(file: Deno.FsFile): Promise<boolean> {
  if (hasTryLock(file)) return await file.tryLock(true);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), waitMs);
  });
  const locked = file.lock(true).then(() => true as const);
  const won = await Promise.race([locked, late]);
  clearTimeout(timer);
  if (!won) locked.then(() => file.close(), () => {});
  return won;
}

/**
 * Takes the exclusive advisory lock on the file `lock` in `directory`, which holds the process id
 * of its owner. Throws a DirectoryLockedError when another process, or another part of this one,
 * has it.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = `${directory}/lock`;
  const file = await Deno.open(path, { read: true, write: true, create: true });
  if (!(await acquire(file))) {
    if (hasTryLock(file)) file.close();
    const owner = (await Deno.readTextFile(path).catch(() => "")).trim();
    throw new DirectoryLockedError(
      `Data directory ${directory} is in use by process ${owner || "unknown"}: ` +
        `stop that process, or give this one a directory of its own`,
    );
  }
  await file.truncate(0);
  await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
  return { release: () => file.close() };
}
