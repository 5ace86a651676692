import type { Library } from "./library.ts";

/** https://www.sqlite.org/c3ref/c_open_autoproxy.html */
const OpenFlag = { readonly: 1, readwrite: 2, create: 4, uri: 0x40, noMutex: 0x8000 } as const;

export interface OpenOptions {
  readonly library: Library;
  /** Opens an existing file for reading only. */
  readonly readonly?: boolean;
  /** Creates the file when there is none; default true unless readonly. */
  readonly create?: boolean;
  /** Takes the path as a URI: "file:data.db?immutable=1". */
  readonly uri?: boolean;
  /** Name of the virtual file system; default the platform's own. */
  readonly vfs?: string;
  /** How long a statement waits for another connection's lock; default 0. */
  readonly busyTimeoutMs?: number;
  /**
   * Leaves sin(), ln() and the like to SQLite, which asks the C library: other nodes may get other
   * doubles. Only to find out what it says.
   */
  readonly libraryMathematics?: boolean;
  /** Has functions of extensions fail that may not be the same on every node. */
  readonly refuseUncertain?: boolean;
}

/** The options as sqlite3_open_v2 takes them. */
export function openFlags(options: OpenOptions): number {
  const { readonly = false, create = !readonly, uri = false } = options;
  // One thread uses a connection; sqlite3_interrupt from another needs no mutex.
  let flags: number = OpenFlag.noMutex | (readonly ? OpenFlag.readonly : OpenFlag.readwrite);
  if (create && !readonly) flags |= OpenFlag.create;
  if (uri) flags |= OpenFlag.uri;
  return flags;
}
