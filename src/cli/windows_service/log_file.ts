import { AppendedFile } from "../../io/appended_file.ts";

/**
 * The log of a service, in a file: a large one is put aside as FILE.1, in place of the one before, so
 * that both together take a bounded room.
 */
export class LogFile {
  readonly path: string;
  readonly #file: AppendedFile;
  readonly #bytesMax: number;
  #bytes: number;

  private constructor(path: string, bytes: number, bytesMax: number) {
    this.path = path;
    this.#file = new AppendedFile(path);
    this.#bytes = bytes;
    this.#bytesMax = bytesMax;
  }

  /** Goes on with a file that is there. Throws where it cannot be written. */
  static async open(path: string, bytesMax = 16 * 1024 * 1024): Promise<LogFile> {
    const size = await Deno.stat(path).then((found) => found.size, () => 0);
    const log = new LogFile(path, size, bytesMax);
    await log.write(new Uint8Array(0));
    return log;
  }

  /** One at a time. */
  async write(bytes: Uint8Array): Promise<number> {
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#bytesMax) await this.#putAside();
    await this.#file.write(bytes);
    this.#bytes += bytes.length;
    return bytes.length;
  }

  close(): void {
    this.#file.close();
  }

  async #putAside(): Promise<void> {
    this.#file.close();
    try {
      await Deno.rename(this.path, `${this.path}.1`);
    } catch {
      // Somebody reads the old one in a way that forbids it: rather a long log than none.
    }
    this.#bytes = 0;
  }
}
