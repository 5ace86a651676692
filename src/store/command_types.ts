import type { AnswerFormat, Statements } from "./types.ts";
import type { UpkeepCommand } from "./upkeep_types.ts";

/** Which write of which node's run this is, so that it is applied once however often it is sent. */
export interface RequestId {
  /** Drawn at random when the node that took the client's request started. */
  readonly origin: bigint;
  /** Counts up from 1. */
  readonly sequence: number;
  /** Every request of this origin below this one is finished and may be forgotten. */
  readonly floor: number;
}

/**
 * A client's name for a request that it may send more than once: only the first is carried out, and
 * each gets the first one's answer (draft-ietf-httpapi-idempotency-key-header).
 */
export interface IdempotencyKey {
  /** Whose name it is; "" where nobody is asked who they are. */
  readonly user: string;
  readonly name: string;
  /** How long it is kept, in seconds. */
  readonly keptSeconds: number;
  /** How the answer is written that is kept; without timings. */
  readonly format: AnswerFormat;
  /** Only asks what became of the request: nothing is carried out. */
  readonly asks: boolean;
}

/** The byte before the answer to a request with a key: what it is the answer of. */
export const KeyedAnswer = {
  /** Of this request. */
  first: 0x30,
  /** Of the first one with the key. */
  repeated: 0x31,
  /** None: the first was carried out, and its answer is not kept. */
  notKept: 0x32,
  /** None: the key was another request's. */
  other: 0x33,
  /** None: no request with the key was carried out. */
  unknown: 0x34,
} as const;

export type Command =
  | {
    readonly type: "execute";
    readonly statements: Statements;
    /** All or nothing; without it each statement stands alone. */
    readonly transaction: boolean;
    /** Roll back and stop at the first error in a unified request too. */
    readonly unified: boolean;
    /** 0 for no limit. */
    readonly timeoutMs: number;
    readonly request: RequestId | undefined;
    /** Of the user who wrote them, by table, as `rightsOf` has it; undefined for all. */
    readonly rights?: string | undefined;
    readonly key?: IdempotencyKey | undefined;
  }
  /** Runs the SQL text of a load, all or nothing; see apply/load_script.ts. */
  | {
    readonly type: "load_sql";
    /** In UTF-8. */
    readonly sql: Uint8Array;
    readonly request: RequestId | undefined;
    readonly key?: IdempotencyKey | undefined;
  }
  /** A piece of a SQLite file to load, kept in the database itself until load_commit. */
  | {
    readonly type: "load_chunk";
    readonly loadId: bigint;
    readonly offset: number;
    readonly bytes: Uint8Array;
    readonly request: RequestId | undefined;
  }
  /** Verifies size, checksum and integrity of the loaded file and makes it the database. */
  | {
    readonly type: "load_commit";
    readonly loadId: bigint;
    readonly size: number;
    readonly checksum: number;
    readonly request: RequestId | undefined;
  }
  | {
    readonly type: "load_abort";
    readonly loadId: bigint;
    readonly request: RequestId | undefined;
  }
  /** Commits a transaction of several requests, if they have the results that they had before. */
  | {
    readonly type: "script";
    /** As `encodeStep` has written them, each with the digest of its results. */
    readonly steps: readonly Uint8Array[];
    readonly request: RequestId | undefined;
    readonly rights?: string | undefined;
    readonly key?: IdempotencyKey | undefined;
  }
  | UpkeepCommand
  /** The changes of all entries up to this one are delivered, and need not be again. */
  | {
    readonly type: "changes_cursor";
    readonly delivered: number;
    readonly request: RequestId | undefined;
  };
