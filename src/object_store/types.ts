/** Why a store did not do what was asked. */
export type ObjectErrorKind =
  /** Nothing is there. */
  | "missing"
  /** Something is there already, where nothing was to be. */
  | "exists"
  /** Wrong keys, or no right to do that. */
  | "denied"
  /** May go well when it is tried again: the store could not be reached, or was busy. */
  | "unavailable"
  /** Anything else. */
  | "failed";

/** What went wrong with which object; never has keys or tokens in it. */
export class ObjectStoreError extends Error {
  override name = "ObjectStoreError";
  constructor(readonly kind: ObjectErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Whether a store did not do what was asked for that reason. */
export function failedAs(kind: ObjectErrorKind, error: unknown): boolean {
  return error instanceof ObjectStoreError && error.kind === kind;
}

/** What is read; undefined when nothing is there. */
export async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (failedAs("missing", error)) return undefined;
    throw error;
  }
}

/** Names are in lower case. */
export type ObjectMetadata = Readonly<Record<string, string>>;

export interface ObjectInfo {
  readonly sizeBytes: number;
  /** Empty where the store keeps none. */
  readonly metadata: ObjectMetadata;
}

export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
}

/** Bytes to be stored, of which any may be asked for again. */
export interface ObjectSource {
  readonly sizeBytes: number;
  /** Of all of them, in base64, where it is known: for stores that check what they get by it. */
  readonly md5?: string;
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface PutOptions {
  readonly metadata?: ObjectMetadata;
  /** Fails with "exists" rather than replace an object; two who do so at a time cannot both succeed. */
  readonly ifAbsent?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Objects by keys, which are texts with slashes: a bucket, or a directory. What is there is whole:
 * an object is stored all at once. All methods reject with an ObjectStoreError, once their own
 * attempts have failed; memory does not grow with objects.
 */
export interface ObjectStore {
  /** Undefined when nothing is there. */
  info(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined>;
  /** Bytes of an object; fewer only at its end. */
  read(key: string, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Stores few bytes. */
  put(key: string, bytes: Uint8Array<ArrayBuffer>, options?: PutOptions): Promise<void>;
  /** Stores any number of bytes in the place of what is there. */
  upload(key: string, source: ObjectSource, options?: PutOptions): Promise<void>;
  /** All whose keys begin with `prefix`, in the order of their keys. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<ListedObject>;
  /**
   * Drops what uploads that were begun before `time` and never ended have left, of the keys that
   * `isOurs` tells: nothing else shows it, and it would be paid for. Absent where that goes by itself.
   */
  dropUnfinished?(
    prefix: string,
    options: {
      /** ms since 1970 UTC. */
      readonly before: number;
      readonly isOurs: (key: string) => boolean;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<void>;
  /** Nothing needs to be there. */
  remove(key: string, signal?: AbortSignal): Promise<void>;
  /** Lets go of what it holds of the system; nothing is asked of it any more. */
  close(): void;
}

/** Bytes of one part of a large object, and of one piece of a large download. */
export const partBytes = 5 * 1024 * 1024;
