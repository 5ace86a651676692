import { SqliteError } from "./error.ts";
import type { Library } from "./library.ts";
import { encodeCString } from "./memory.ts";

/** `struct sqlite3_vfs` on 64-bit machines, in bytes. https://www.sqlite.org/c3ref/vfs.html */
const vfsBytes = 168;
const vfsOffsets = { fileBytes: 4, next: 16, name: 24, open: 40 } as const;

/** `struct sqlite3_io_methods` of version 1: files without shared memory, and so without a WAL. */
const methodsBytes = 104;
const methodOffsets = {
  version: 0,
  close: 8,
  read: 16,
  write: 24,
  truncate: 32,
  sync: 40,
  size: 48,
  lock: 56,
  unlock: 64,
  checkReservedLock: 72,
  control: 80,
  sectorBytes: 88,
  characteristics: 96,
} as const;

/** `struct sqlite3_file`: a pointer to the methods. */
const fileBytes = 8;

/** https://www.sqlite.org/rescode.html */
const codes = {
  ok: 0,
  notFound: 12,
  cannotOpen: 14,
  read: 266,
  shortRead: 522,
  write: 778,
} as const;
const openMainDatabase = 0x100;

type Signature = Readonly<Deno.UnsafeCallbackDefinition>;
const openSignature = {
  parameters: ["pointer", "pointer", "pointer", "i32", "pointer"],
  result: "i32",
} as const satisfies Signature;
const transferSignature = {
  parameters: ["pointer", "pointer", "i32", "i64"],
  result: "i32",
} as const satisfies Signature;
const truncateSignature = {
  parameters: ["pointer", "i64"],
  result: "i32",
} as const satisfies Signature;
const resultSignature = {
  parameters: ["pointer", "pointer"],
  result: "i32",
} as const satisfies Signature;
const flagSignature = {
  parameters: ["pointer", "i32"],
  result: "i32",
} as const satisfies Signature;
const plainSignature = { parameters: ["pointer"], result: "i32" } as const satisfies Signature;
const controlSignature = {
  parameters: ["pointer", "i32", "pointer"],
  result: "i32",
} as const satisfies Signature;

/** What there is instead of a file. A throw fails SQLite's call. */
export interface MemoryFile {
  size(): number;
  /** Fewer bytes only at the end. */
  read(offset: number, length: number): Uint8Array;
  /** The bytes are SQLite's: they are to be copied. */
  write(offset: number, bytes: Uint8Array): void;
  truncate(size: number): void;
}

/**
 * A virtual file system whose only file is in JavaScript: for one connection at a time, of this
 * thread, without a journal on the disk. All but opening is the default one's.
 */
export class MemoryVfs implements Disposable {
  readonly name = `raftlite-image-${crypto.randomUUID()}`;
  readonly #c: Library["symbols"];
  /** The two structs and the name: of SQLite's memory, as every thread walks the list of file systems. */
  readonly #memory: Deno.PointerObject;
  readonly #callbacks: { readonly pointer: Deno.PointerObject; close(): void }[] = [];

  constructor(library: Library, file: MemoryFile) {
    this.#c = library.symbols;
    const original = this.#c.sqlite3_vfs_find(null);
    if (original === null) throw new Error("SQLite library has no virtual file system");
    const name = encodeCString(this.name);
    const bytes = vfsBytes + methodsBytes + name.length;
    const memory = this.#c.sqlite3_malloc64(BigInt(bytes));
    if (memory === null) throw new Error("SQLite has no memory for a virtual file system");
    this.#memory = memory;
    const buffer = Deno.UnsafePointerView.getArrayBuffer(memory, bytes);
    new Deno.UnsafePointerView(original).copyInto(new Uint8Array(buffer, 0, vfsBytes));
    new Uint8Array(buffer, vfsBytes + methodsBytes).set(name);
    const address = Deno.UnsafePointer.value(memory);
    const methodsAddress = address + BigInt(vfsBytes);
    this.#writeMethods(new DataView(buffer, vfsBytes, methodsBytes), file);
    const open = this.#callback(openSignature, (_vfs, _name, opened, flags, flagsOut) => {
      if ((flags & openMainDatabase) === 0) return codes.cannotOpen;
      viewAt(opened, fileBytes).setBigUint64(0, methodsAddress, true);
      if (flagsOut !== null) viewAt(flagsOut, 4).setInt32(0, flags, true);
      return codes.ok;
    });
    const vfs = new DataView(buffer, 0, vfsBytes);
    vfs.setInt32(vfsOffsets.fileBytes, fileBytes, true);
    vfs.setBigUint64(vfsOffsets.next, 0n, true);
    vfs.setBigUint64(vfsOffsets.name, methodsAddress + BigInt(methodsBytes), true);
    vfs.setBigUint64(vfsOffsets.open, open, true);
    const code = this.#c.sqlite3_vfs_register(memory, 0);
    if (code !== codes.ok) throw new SqliteError(code, "Virtual file system can't be registered");
  }

  #writeMethods(methods: DataView, file: MemoryFile): void {
    methods.setInt32(methodOffsets.version, 1, true);
    const nothing = this.#callback(plainSignature, () => codes.ok);
    const ignored = this.#callback(flagSignature, () => codes.ok);
    const none = this.#callback(resultSignature, (_, result) => {
      viewAt(result, 4).setInt32(0, 0, true);
      return codes.ok;
    });
    const all: Readonly<Record<Exclude<keyof typeof methodOffsets, "version">, bigint>> = {
      close: nothing,
      sync: ignored,
      lock: ignored,
      unlock: ignored,
      checkReservedLock: none,
      // 0 stands for the default.
      sectorBytes: nothing,
      characteristics: nothing,
      control: this.#callback(controlSignature, () => codes.notFound),
      size: this.#callback(resultSignature, (_, result) => {
        viewAt(result, 8).setBigInt64(0, BigInt(file.size()), true);
        return codes.ok;
      }),
      read: this.#callback(
        transferSignature,
        (_, into, length, offset) =>
          attempt(codes.read, () => {
            const bytes = file.read(Number(offset), length);
            const target = new Uint8Array(viewAt(into, length).buffer);
            target.set(bytes);
            target.fill(0, bytes.length);
            return bytes.length < length ? codes.shortRead : codes.ok;
          }),
      ),
      write: this.#callback(
        transferSignature,
        (_, from, length, offset) =>
          attempt(codes.write, () => {
            file.write(Number(offset), new Uint8Array(viewAt(from, length).buffer));
            return codes.ok;
          }),
      ),
      truncate: this.#callback(truncateSignature, (_, size) =>
        attempt(codes.write, () => {
          file.truncate(Number(size));
          return codes.ok;
        })),
    };
    for (const [name, address] of Object.entries(all)) {
      methods.setBigUint64(methodOffsets[name as keyof typeof all], address, true);
    }
  }

  #callback<const Definition extends Deno.UnsafeCallbackDefinition>(
    signature: Definition,
    body: Deno.UnsafeCallbackFunction<Definition["parameters"], Definition["result"]>,
  ): bigint {
    const callback = new Deno.UnsafeCallback(signature, body);
    this.#callbacks.push(callback);
    return Deno.UnsafePointer.value(callback.pointer);
  }

  /** Only when no connection uses it. */
  [Symbol.dispose](): void {
    this.#c.sqlite3_vfs_unregister(this.#memory);
    this.#c.sqlite3_free(this.#memory);
    for (const callback of this.#callbacks) callback.close();
  }
}

/** SQLite's memory at a pointer, which it never calls with null here. */
function viewAt(pointer: Deno.PointerValue, bytes: number): DataView<ArrayBuffer> {
  if (pointer === null) throw new TypeError("SQLite handed out a null pointer");
  return new DataView(Deno.UnsafePointerView.getArrayBuffer(pointer, bytes));
}

/** No error may leave a callback: SQLite would go on with what it does not know. */
function attempt(failureCode: number, call: () => number): number {
  try {
    return call();
  } catch {
    return failureCode;
  }
}
