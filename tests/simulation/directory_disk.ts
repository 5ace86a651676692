import { attempt } from "../../src/io/disk_errors.ts";
import { type Disk, DiskError, type DiskFile } from "../../src/io/types.ts";
import type { VolatileFile, VolatileFiles } from "../power/volatile_files.ts";

/** Resolves when the call may be carried out. */
export type Pause = () => Promise<void>;

/**
 * Real files for a simulated program: a call waits for an event and is then carried out at once, so
 * that nothing happens at a time of the operating system's choice. Nothing is synced there: what a power
 * cut takes, `volatile` knows.
 */
export class DirectoryDisk implements Disk {
  readonly #pause: Pause;
  readonly #volatile: () => VolatileFiles | undefined;
  readonly #files = new Set<DirectoryFile>();

  /** `volatile`: what is told of all that is done; without it a power cut takes nothing. */
  constructor(pause: Pause, volatile: () => VolatileFiles | undefined = () => undefined) {
    this.#pause = pause;
    this.#volatile = volatile;
  }

  async #call<T>(action: string, path: string, work: () => T): Promise<T> {
    await this.#pause();
    return await attempt(action, path, () => Promise.try(work));
  }

  open(path: string, options: { create: boolean }): Promise<DiskFile> {
    return this.#call("open", path, () => {
      const handle = Deno.openSync(path, { read: true, write: true, create: options.create });
      const written = this.#volatile()?.open(path);
      const file = new DirectoryFile(path, handle, {
        pause: this.#pause,
        ended: () => this.#files.delete(file),
        note: (note) => {
          // What others did before has come before.
          this.#volatile();
          if (written !== undefined) note(written);
        },
      });
      this.#files.add(file);
      return file;
    });
  }

  list(directory: string): Promise<string[]> {
    return this.#call(
      "list",
      directory,
      () => Array.from(Deno.readDirSync(directory), ({ name }) => name).sort(),
    );
  }

  exists(path: string): Promise<boolean> {
    return this.#call("look for", path, () => {
      try {
        Deno.lstatSync(path);
        return true;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return false;
        throw error;
      }
    });
  }

  makeDirectory(path: string): Promise<void> {
    return this.#call("make", path, () => Deno.mkdirSync(path, { recursive: true }));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call("rename", from, () => {
      Deno.renameSync(from, to);
      this.#volatile()?.rename(from, to);
    });
  }

  link(from: string, to: string): Promise<void> {
    return this.#call("link", from, () => {
      Deno.linkSync(from, to);
      this.#volatile()?.link(from, to);
    });
  }

  remove(path: string): Promise<void> {
    return this.#call("remove", path, () => {
      Deno.removeSync(path);
      this.#volatile()?.remove(path);
    });
  }

  syncDirectory(path: string): Promise<void> {
    return this.#call("sync", path, () => this.#volatile()?.syncDirectory(path));
  }

  /** The program has died: its handles go. */
  closeAll(): void {
    for (const file of [...this.#files]) file.end();
  }
}

interface FileParts {
  readonly pause: Pause;
  readonly ended: () => void;
  /** Tells what is done to it. */
  readonly note: (note: (file: VolatileFile) => void) => void;
}

/** One file; its calls are carried out in their order. */
class DirectoryFile implements DiskFile {
  readonly path: string;
  readonly #handle: Deno.FsFile;
  readonly #pause: Pause;
  readonly #ended: () => void;
  readonly #note: FileParts["note"];
  #last: Promise<unknown> = Promise.resolve();
  #state: "open" | "closing" | "ended" = "open";

  constructor(path: string, handle: Deno.FsFile, { pause, ended, note }: FileParts) {
    this.path = path;
    this.#handle = handle;
    this.#pause = pause;
    this.#ended = ended;
    this.#note = note;
  }

  #call<T>(action: string, work: () => T | Promise<T>): Promise<T> {
    if (this.#state !== "open") {
      const message = `Cannot ${action} ${this.path}: it is closed`;
      return Promise.reject(new DiskError("failed", this.path, message));
    }
    const result = this.#last.then(async () => {
      await this.#pause();
      return await attempt(action, this.path, () => Promise.try(work));
    });
    this.#last = result.catch(() => {});
    return result;
  }

  write(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#call("write to", () => {
      this.#handle.seekSync(offset, Deno.SeekMode.Start);
      for (let at = 0; at < bytes.length;) at += this.#handle.writeSync(bytes.subarray(at));
      this.#note((file) => file.change({ type: "write", offset, bytes: bytes.slice() }));
    });
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#call("read", () => {
      const { size } = this.#handle.statSync();
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      this.#handle.seekSync(offset, Deno.SeekMode.Start);
      let filled = 0;
      while (filled < bytes.length) {
        const count = this.#handle.readSync(bytes.subarray(filled));
        if (count === null) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    });
  }

  size(): Promise<number> {
    return this.#call("look at", () => this.#handle.statSync().size);
  }

  truncate(size: number): Promise<void> {
    return this.#call("truncate", () => {
      this.#handle.truncateSync(size);
      this.#note((file) => file.change({ type: "truncate", size }));
    });
  }

  sync(): Promise<void> {
    return this.#call("sync", async () => {
      this.#note((file) => file.sync());
      // What is written while it is under way need not be on the disk at its end.
      await this.#pause();
    });
  }

  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    void this.#last.then(() => this.end());
  }

  end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#handle.close();
    this.#ended();
  }
}
