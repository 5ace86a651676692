import { messageOf } from "../base/message_of.ts";
import { connectionError } from "./connection_error.ts";
import { ResultCode } from "./error.ts";
import type { Library } from "./library.ts";
import {
  type BindValue,
  ColumnType,
  type ColumnValue,
  decodeText,
  encodeCString,
  encodeText,
  isInt64,
  readCString,
  scratch,
  toInt64,
  transient,
} from "./memory.ts";

/**
 * Returns one of {@linkcode AuthorizerResult}. What the four texts are depends on the action.
 * https://www.sqlite.org/c3ref/c_alter_table.html
 */
export type Authorizer = (
  action: number,
  first: string | null,
  second: string | null,
  schema: string | null,
  triggerOrView: string | null,
) => number;

export const AuthorizerResult = { ok: 0, deny: 1, ignore: 2 } as const;

export type WalHook = (schema: string, frames: number) => void;

export type FunctionBody = (...parameters: ColumnValue[]) => BindValue;

/** `context` and `argv` as C hands them over. */
export type RawFunctionBody = (
  context: Deno.PointerValue,
  argc: number,
  argv: Deno.PointerValue,
) => void;

/** https://www.sqlite.org/c3ref/c_deterministic.html */
export interface FunctionOptions {
  readonly deterministic?: boolean;
  readonly innocuous?: boolean;
  readonly directOnly?: boolean;
  /** Number of arguments; default the JavaScript function's `length`; -1 for any. */
  readonly argumentCount?: number;
}

export interface FunctionParts extends FunctionOptions {
  readonly name: string;
  readonly body: FunctionBody;
}

/** A function in C's terms, for a body that reads its arguments and sets its result itself. */
export interface RawFunctionParts extends FunctionOptions {
  readonly name: string;
  readonly argumentCount: number;
  readonly body: RawFunctionBody;
}

/** A function that connections of a library share in a thread; it lives as long as that. */
export interface SharedFunction extends FunctionOptions {
  readonly name: string;
  readonly argumentCount: number;
  readonly callback: Deno.UnsafeCallback<typeof functionSignature>;
}

const FunctionFlag = {
  utf8: 1,
  deterministic: 0x800,
  directOnly: 0x8_0000,
  innocuous: 0x20_0000,
} as const;

const functionSignature = { parameters: ["pointer", "i32", "pointer"], result: "void" } as const;
const authorizerSignature = {
  parameters: ["pointer", "i32", "pointer", "pointer", "pointer", "pointer"],
  result: "i32",
} as const;
const progressSignature = { parameters: ["pointer"], result: "i32" } as const;
const walSignature = {
  parameters: ["pointer", "pointer", "pointer", "i32"],
  result: "i32",
} as const;

/**
 * A function for any connection of the library of these symbols. Making a callback takes ten times
 * as long as telling a connection of it.
 */
export function shareFunction(c: Symbols, { body, ...parts }: RawFunctionParts): SharedFunction {
  return { ...parts, callback: rawCallback(c, body) };
}

/**
 * The JavaScript functions that SQLite may call on one connection. They live until they are
 * replaced or the connection is closed, and no exception leaves them: C could not unwind it.
 */
export class ConnectionCallbacks {
  readonly #library: Library;
  readonly #c: Library["symbols"];
  /** By what they are registered as; only one of a kind is in use. */
  readonly #live = new Map<string, { close(): void }>();

  constructor(library: Library) {
    this.#library = library;
    this.#c = library.symbols;
  }

  createFunction(connection: Deno.PointerValue, parts: FunctionParts): void {
    const { body } = parts;
    this.createRawFunction(connection, {
      ...parts,
      argumentCount: parts.argumentCount ?? body.length,
      body: (context, argc, argv) => {
        setResult(this.#c, context, body(...readArguments(this.#c, argc, argv)));
      },
    });
  }

  createRawFunction(connection: Deno.PointerValue, { body, ...parts }: RawFunctionParts): void {
    const callback = rawCallback(this.#c, body);
    try {
      this.useFunction(connection, { ...parts, callback });
    } catch (error) {
      callback.close();
      throw error;
    }
    this.#replace(`function ${parts.name.toLowerCase()}/${parts.argumentCount}`, callback);
  }

  /** Makes a function that others may have, too, one of this connection. */
  useFunction(connection: Deno.PointerValue, shared: SharedFunction): void {
    const code = this.#c.sqlite3_create_function_v2(
      connection,
      encodeCString(shared.name),
      shared.argumentCount,
      functionFlags(shared),
      null,
      shared.callback.pointer,
      null,
      null,
      null,
    );
    if (code !== ResultCode.ok) throw connectionError(this.#library, connection, code);
  }

  setAuthorizer(
    connection: Deno.PointerValue,
    authorizer: Authorizer | undefined,
    actions: readonly number[] | undefined,
  ): void {
    if (authorizer === undefined) {
      this.#c.sqlite3_set_authorizer(connection, null, null);
      return this.#replace("authorizer", undefined);
    }
    const asked = actions && new Set(actions);
    const callback = new Deno.UnsafeCallback(
      authorizerSignature,
      (_, action, first, second, schema, inner) => {
        // Reading the four texts costs more than all the rest.
        if (asked && !asked.has(action)) return AuthorizerResult.ok;
        try {
          return authorizer(
            action,
            readCString(first),
            readCString(second),
            readCString(schema),
            readCString(inner),
          );
        } catch {
          return AuthorizerResult.deny;
        }
      },
    );
    this.#c.sqlite3_set_authorizer(connection, callback.pointer, null);
    this.#replace("authorizer", callback);
  }

  setProgressHandler(
    connection: Deno.PointerValue,
    instructions: number,
    handler: (() => boolean) | undefined,
  ): void {
    if (handler === undefined) {
      this.#c.sqlite3_progress_handler(connection, 0, null, null);
      return this.#replace("progress", undefined);
    }
    const callback = new Deno.UnsafeCallback(progressSignature, () => {
      try {
        return handler() ? 1 : 0;
      } catch {
        return 1;
      }
    });
    this.#c.sqlite3_progress_handler(connection, instructions, callback.pointer, null);
    this.#replace("progress", callback);
  }

  setWalHook(connection: Deno.PointerValue, hook: WalHook | undefined): void {
    if (hook === undefined) {
      this.#c.sqlite3_wal_hook(connection, null, null);
      return this.#replace("wal", undefined);
    }
    const callback = new Deno.UnsafeCallback(walSignature, (_, _connection, schema, frames) => {
      try {
        hook(readCString(schema) ?? "", frames);
        return ResultCode.ok;
      } catch {
        return ResultCode.error;
      }
    });
    this.#c.sqlite3_wal_hook(connection, callback.pointer, null);
    this.#replace("wal", callback);
  }

  /** Frees all; only when the connection is closed. */
  close(): void {
    for (const callback of this.#live.values()) callback.close();
    this.#live.clear();
  }

  #replace(kind: string, callback: { close(): void } | undefined): void {
    this.#live.get(kind)?.close();
    if (callback === undefined) this.#live.delete(kind);
    else this.#live.set(kind, callback);
  }
}

function rawCallback(c: Symbols, body: RawFunctionBody): SharedFunction["callback"] {
  return new Deno.UnsafeCallback(functionSignature, (context, argc, argv) => {
    try {
      body(context, argc, argv);
    } catch (error) {
      const { buffer, length } = encodeText(messageOf(error));
      c.sqlite3_result_error(context, buffer, length);
    }
  });
}

function functionFlags(options: FunctionOptions): number {
  let flags: number = FunctionFlag.utf8;
  if (options.deterministic) flags |= FunctionFlag.deterministic;
  if (options.directOnly) flags |= FunctionFlag.directOnly;
  if (options.innocuous) flags |= FunctionFlag.innocuous;
  return flags;
}

type Symbols = Library["symbols"];

/** The arguments of an SQL function's call. */
function readArguments(
  c: Symbols,
  argc: number,
  argv: Deno.PointerValue,
): ColumnValue[] {
  if (argv === null || argc === 0) return [];
  const pointers = new Deno.UnsafePointerView(argv);
  return Array.from({ length: argc }, (_, i) => readArgument(c, pointers.getPointer(i * 8)));
}

function readArgument(c: Symbols, value: Deno.PointerValue): ColumnValue {
  switch (c.sqlite3_value_type(value)) {
    case ColumnType.integer: {
      const integer = c.sqlite3_value_int64(value);
      const number = Number(integer);
      return Number.isSafeInteger(number) ? number : integer;
    }
    case ColumnType.float:
      return c.sqlite3_value_double(value);
    case ColumnType.text: {
      const bytes = copyBytes(c.sqlite3_value_text(value), c.sqlite3_value_bytes(value));
      return decodeText(bytes, bytes.length);
    }
    case ColumnType.blob:
      return copyBytes(c.sqlite3_value_blob(value), c.sqlite3_value_bytes(value));
    default:
      return null;
  }
}

function copyBytes(pointer: Deno.PointerValue, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  if (pointer !== null && length > 0) Deno.UnsafePointerView.copyInto(pointer, bytes);
  return bytes;
}

/** Makes `value` the result of the call. */
function setResult(c: Symbols, context: Deno.PointerValue, value: BindValue): void {
  switch (typeof value) {
    case "string": {
      const { buffer, length } = encodeText(value);
      return c.sqlite3_result_text(context, buffer, length, transient);
    }
    case "number":
      if (!isInt64(value)) return c.sqlite3_result_double(context, value);
      return c.sqlite3_result_int64(context, BigInt(value));
    case "bigint":
      return c.sqlite3_result_int64(context, toInt64(value));
    case "boolean":
      return c.sqlite3_result_int64(context, value ? 1n : 0n);
    default: {
      if (value === null || value === undefined) return c.sqlite3_result_null(context);
      const { length } = value;
      const bytes = length === 0 ? scratch : value as Uint8Array<ArrayBuffer>;
      return c.sqlite3_result_blob(context, bytes, length, transient);
    }
  }
}
