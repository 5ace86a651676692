import { sameBytes } from "../base/bytes.ts";
import { messageOf } from "../base/message_of.ts";
import { repeat } from "./repeat.ts";
import type { Clock, Logger, Timer } from "./types.ts";

/** How often it looks, in ms. Watching would miss a symbolic link that is swapped, as Kubernetes does. */
const periodMs = 1_000;

/** No certificate and no list of users is as large, in bytes: what is, was named by mistake. */
const maxBytes = 16 * 1024 * 1024;

export interface WatchedOptions<T> {
  /** What the files are, for log lines and errors: "the certificate for HTTPS". */
  readonly what: string;
  readonly paths: readonly string[];
  /** Makes a value of the files' contents, in the order of `paths`; throws an error that says what is wrong. */
  readonly read: (contents: readonly Uint8Array<ArrayBuffer>[]) => T | Promise<T>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * What is in a few files that belong together, read again when they change and when `check` is
 * called (on SIGHUP). Files that cannot be read leave the last good value in force, and the log says
 * so once; so do files that change while they are read, until they have come to rest.
 */
export class WatchedFiles<T> {
  readonly #options: WatchedOptions<T>;
  readonly #listeners = new Set<(value: T) => void>();
  readonly #reloadListeners = new Set<(failure: string | undefined) => void>();
  #value: T;
  /** The contents that were read last, good or not. */
  #contents: readonly Uint8Array[];
  /** Why the files could not be read when they were last looked at. */
  #unreadable: string | undefined;
  #failure: string | undefined;
  #checking: Promise<boolean> | undefined;
  readonly #timer: Timer;
  #stopped = false;

  private constructor(options: WatchedOptions<T>, value: T, contents: readonly Uint8Array[]) {
    this.#options = options;
    this.#value = value;
    this.#contents = contents;
    this.#timer = repeat(options.clock, periodMs, () => this.check());
  }

  /** Rejects with an Error when a file is missing or `read` refuses what is in it. */
  static async open<T>(options: WatchedOptions<T>): Promise<WatchedFiles<T>> {
    const contents = await readAll(options.paths);
    return new WatchedFiles(options, await options.read(contents), contents);
  }

  get what(): string {
    return this.#options.what;
  }

  get paths(): readonly string[] {
    return this.#options.paths;
  }

  get current(): T {
    return this.#value;
  }

  /** Why the newest files are not in force; undefined while they are. */
  get failure(): string | undefined {
    return this.#unreadable ?? this.#failure;
  }

  /** Calls `listener` with each new value, after it is in force. */
  onChange(listener: (value: T) => void): void {
    this.#listeners.add(listener);
  }

  /** Calls `listener` when newer files are in force, or with why they are not: once for each reason. */
  onReload(listener: (failure: string | undefined) => void): void {
    this.#reloadListeners.add(listener);
  }

  /** Looks at once; resolves with whether a new value is in force. Never rejects. */
  check(): Promise<boolean> {
    this.#checking ??= this.#look().finally(() => this.#checking = undefined);
    return this.#checking;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer.cancel();
  }

  async #look(): Promise<boolean> {
    const { what, paths, read, logger } = this.#options;
    const refuse = (reason: string) => {
      logger.log("ERROR", "cli", `${what} stays as it was: ${reason}`);
      for (const listener of this.#reloadListeners) listener(reason);
      return false;
    };
    let contents: readonly Uint8Array<ArrayBuffer>[];
    try {
      contents = await readAll(paths);
    } catch (error) {
      const before = this.#unreadable;
      this.#unreadable = messageOf(error);
      return this.#unreadable === before ? false : refuse(this.#unreadable);
    }
    this.#unreadable = undefined;
    if (sameContents(contents, this.#contents)) return false;
    this.#contents = contents;
    try {
      this.#value = await read(contents);
    } catch (error) {
      this.#failure = messageOf(error);
      return refuse(this.#failure);
    }
    this.#failure = undefined;
    if (this.#stopped) return false;
    for (const listener of this.#listeners) listener(this.#value);
    logger.log("INFO", "cli", `${what} was read again: ${paths.join(", ")}`);
    for (const listener of this.#reloadListeners) listener(undefined);
    return true;
  }
}

function readAll(paths: readonly string[]): Promise<Uint8Array<ArrayBuffer>[]> {
  return Promise.all(paths.map(readBounded));
}

async function readBounded(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const { size, isFile } = await Deno.stat(path);
    if (isFile && size > maxBytes) throw new Error(`${size} bytes are more than any such file has`);
    return await Deno.readFile(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : messageOf(error);
    throw new Error(`Cannot read ${path}: ${reason}`, { cause: error });
  }
}

function sameContents(some: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  return some.every((bytes, index) => {
    const other = others[index];
    return other !== undefined && sameBytes(bytes, other);
  });
}
