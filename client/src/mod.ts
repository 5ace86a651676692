/**
 * A client of raftlite, for Deno, Node, Bun and browsers. It needs nothing but fetch.
 *
 * @module
 */
export { Client } from "./client.ts";
export type { Change, ChangeGroup, ReadAgain, RowChange } from "./change_group.ts";
export {
  ChangesLost,
  Conflict,
  ConstraintError,
  RaftliteError,
  Refused,
  ResultLost,
  SqlError,
  TransactionOver,
  Unavailable,
  UnknownOutcome,
} from "./errors.ts";
export type { Integers } from "./exact_json.ts";
export type {
  BatchOptions,
  CallOptions,
  ChangesOptions,
  ClientOptions,
  Level,
  Mode,
  ReadOptions,
  TransactionOptions,
  WatchOptions,
  WriteOptions,
} from "./options.ts";
export type { Result, Row } from "./result.ts";
export type { Transaction } from "./transaction.ts";
export { WatchedResult } from "./watch.ts";
export type { Splice } from "./watch.ts";
export { Real } from "./values.ts";
export type { Parameter, Parameters, Statement, Value } from "./values.ts";
