import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("./disk_recorder.c", import.meta.url));
const headBytes = 24;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** What SQLite has done to a file, in the order in which it did it. */
export type DiskEvent =
  | { readonly type: "opened"; readonly handle: number; readonly path: string }
  | {
    readonly type: "written";
    readonly handle: number;
    readonly offset: number;
    readonly bytes: Uint8Array<ArrayBuffer>;
  }
  | { readonly type: "cut_off"; readonly handle: number; readonly size: number }
  | { readonly type: "synced"; readonly handle: number }
  | { readonly type: "sync_failed"; readonly handle: number }
  /** A write for which there was no room. */
  | { readonly type: "refused" }
  | { readonly type: "removed"; readonly path: string }
  | { readonly type: "directory_synced" }
  | { readonly type: "closed"; readonly handle: number };

/** What a disk fails at. */
export interface DiskTrouble {
  /** For how many writes there is room yet, */
  readonly writesLeft?: number;
  /** and for how many there is none then. */
  readonly writesRefused?: number;
  /** How many syncs succeed before one fails. */
  readonly syncsLeft?: number;
}

const symbols = {
  recorder_begin: { parameters: ["buffer", "buffer"], result: "pointer" },
  recorder_disturb: { parameters: ["pointer", "i32", "i32", "i32"], result: "void" },
  recorder_take: { parameters: ["pointer", "buffer"], result: "usize" },
  recorder_end: { parameters: ["pointer"], result: "void" },
} as const;

type Calls = Deno.DynamicLibrary<typeof symbols>["symbols"];

let loaded: Promise<Calls | undefined> | undefined;

/** Undefined, with the reason printed, where there is none: elsewhere than on Linux, without a C compiler. */
async function load(): Promise<Calls | undefined> {
  if (Deno.build.os !== "linux") return without("this is no Linux");
  const directory = await Deno.makeTempDir({ prefix: "raftlite-recorder-" });
  try {
    const path = `${directory}/disk_recorder.so`;
    // SQLite goes on calling it when the thread that has loaded it is over.
    const stays = "-Wl,-z,nodelete";
    const args = ["-shared", "-fPIC", "-O2", stays, "-o", path, source, "-ldl", "-lpthread"];
    const { success, stderr } = await new Deno.Command("cc", { args, stdin: "null" }).output();
    if (!success) return without(decoder.decode(stderr));
    return Deno.dlopen(path, symbols).symbols;
  } catch (error) {
    return without(String(error));
  } finally {
    // What is loaded needs its name no more.
    await Deno.remove(directory, { recursive: true });
  }
}

function without(reason: string): undefined {
  console.error(
    `SQLite's files lose nothing in a power cut, for nobody can see its writes: ${reason}`,
  );
  return undefined;
}

/** Begins to write down what SQLite does in directories, by the library at a path: one for a thread. */
export type Recorders = (libraryPath: string, directory: string) => DiskRecorder;

/** Undefined where nothing can be written down; then the reason was printed. */
export async function diskRecorders(): Promise<Recorders | undefined> {
  const calls = await (loaded ??= load());
  return calls && ((library, directory) => new DiskRecorder(calls, library, directory));
}

/** What SQLite does to the files of one directory. */
export class DiskRecorder {
  readonly #calls: Calls;
  readonly #recording: Deno.PointerValue;

  constructor(calls: Calls, libraryPath: string, directory: string) {
    this.#calls = calls;
    const cString = (text: string) => encoder.encode(`${text}\0`);
    this.#recording = calls.recorder_begin(cString(libraryPath), cString(directory));
    if (this.#recording === null) throw new Error(`${libraryPath} is not loaded, or has no VFS`);
  }

  /** What its disk is to fail at from now on; by default at nothing. */
  disturb({ writesLeft = 0, writesRefused = 0, syncsLeft = -1 }: DiskTrouble = {}): void {
    this.#calls.recorder_disturb(this.#recording, writesLeft, writesRefused, syncsLeft);
  }

  /** What it did since the last time. */
  take(): DiskEvent[] {
    const at = new BigUint64Array(1);
    const length = Number(this.#calls.recorder_take(this.#recording, at));
    const pointer = Deno.UnsafePointer.create(at[0] ?? 0n);
    if (length === 0 || pointer === null) return [];
    const bytes = new Uint8Array(length);
    Deno.UnsafePointerView.copyInto(pointer, bytes);
    return [...eventsIn(bytes)];
  }

  end(): void {
    this.#calls.recorder_end(this.#recording);
  }
}

function* eventsIn(bytes: Uint8Array<ArrayBuffer>): Generator<DiskEvent> {
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length;) {
    const kind = view.getUint32(at, true);
    const handle = view.getUint32(at + 4, true);
    const length = view.getUint32(at + 8, true);
    const offset = Number(view.getBigInt64(at + 16, true));
    const content = bytes.subarray(at + headBytes, at + headBytes + length);
    yield eventOf(kind, handle, offset, content);
    at += headBytes + content.length;
  }
}

function eventOf(
  kind: number,
  handle: number,
  offset: number,
  bytes: Uint8Array<ArrayBuffer>,
): DiskEvent {
  switch (kind) {
    case 0:
      return { type: "opened", handle, path: decoder.decode(bytes) };
    case 1:
      return { type: "written", handle, offset, bytes };
    case 2:
      return { type: "cut_off", handle, size: offset };
    case 3:
      return { type: "synced", handle };
    case 4:
      return { type: "removed", path: decoder.decode(bytes) };
    case 5:
      return { type: "directory_synced" };
    case 6:
      return { type: "closed", handle };
    case 7:
      return { type: "sync_failed", handle };
    case 8:
      return { type: "refused" };
    default:
      throw new Error(`There is no event ${kind} of a disk`);
  }
}
