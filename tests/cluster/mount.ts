/** Runs a program of the system; throws with what it said when it fails. */
async function system(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
}

/** Something mounted on a directory until it is disposed of. */
export class Mount {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** A file system in memory of that size; undefined, with the reason printed, where it cannot be. */
  static tmpfs(path: string, sizeBytes: number): Promise<Mount | undefined> {
    return Mount.#make(path, "-t", "tmpfs", "-o", `size=${sizeBytes}`, "tmpfs", path);
  }

  /** The directory itself, but read-only; undefined, with the reason printed, where it cannot be. */
  static async readOnly(path: string): Promise<Mount | undefined> {
    const mount = await Mount.#make(path, "--bind", path, path);
    if (mount !== undefined) await system("mount", "-o", "remount,ro,bind", path);
    return mount;
  }

  static async #make(path: string, ...args: string[]): Promise<Mount | undefined> {
    await Deno.mkdir(path, { recursive: true });
    try {
      await system("mount", ...args);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      console.error(`Not tested, for nothing can be mounted here: ${reason}`);
      return undefined;
    }
    return new Mount(path);
  }

  /** Lazily: a process that ends may still have files open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await system("umount", "-l", this.#path);
  }
}
