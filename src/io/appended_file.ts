import { messageOf } from "../base/message_of.ts";

/** A file of this program's own that grows at its end, and that others may move away. */
export class AppendedFile {
  readonly #path: string;
  #file: Deno.FsFile | undefined;
  /** A newer file of that name is to be written to. */
  #stale = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Appends all of it or nothing; rejects with an Error that names the file. One at a time. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      if (this.#stale) this.close();
      const file = this.#file ??= await this.#open();
      const { size } = await file.stat();
      try {
        for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
      } catch (error) {
        // What is no file of a disk cannot be cut; and where that fails, what fails first counts.
        await file.truncate(size).catch(() => {});
        throw error;
      }
    } catch (error) {
      this.close();
      throw new Error(`Cannot write ${this.#path}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** The next write goes to what has that name then, which is made if nothing has. */
  reopen(): void {
    this.#stale = true;
  }

  close(): void {
    this.#stale = false;
    this.#file?.close();
    this.#file = undefined;
  }

  /** Read and written by its owner only, whatever the umask says. */
  async #open(): Promise<Deno.FsFile> {
    return await Deno.open(this.#path, { append: true, create: true, mode: 0o600 });
  }
}
