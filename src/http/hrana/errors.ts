import { ServiceError, type ServiceErrorKind } from "../../cluster/types.ts";
import { StoreBusyError } from "../../store/types.ts";
import { messageOf } from "../../base/message_of.ts";

/** What a client is told of something that failed. */
export interface HranaError {
  readonly message: string;
  /** Never empty: clients in Rust cannot read an answer without one. */
  readonly code: string;
  /** SQLite's own, where `code` is only the primary one. */
  readonly extended_code?: string;
}

/** The whole request is wrong: an answer with a status of HTTP's. */
export class ProtocolError extends Error {
  override name = "ProtocolError";
  constructor(message: string, readonly code = "HRANA_PROTO_ERROR", readonly status = 400) {
    super(message);
  }
}

const parseError =
  /^(?:near ".*": syntax error|incomplete input|unrecognized token: .*|unknown or unsupported join type: .*)$/s;

/** Errors of SQLite's that name a place in the text, which libSQL's server tells apart. */
const inputError =
  /^(?:no such (?:column|function)|ambiguous column name|wrong number of arguments to function|misuse of |table .* has no column named |row value misused|sub-select returns )/;

/** What SQLite says, in the words and with the codes of libSQL's server. */
export function sqliteError(message: string, code: string): HranaError {
  if (code === "SQLITE_ERROR") {
    if (parseError.test(message)) {
      return { message: `SQL string could not be parsed: ${message}`, code: "SQL_PARSE_ERROR" };
    }
    if (inputError.test(message)) {
      return { message: `SQL input error: ${message}`, code: "SQL_INPUT_ERROR" };
    }
    return { message: `SQLite error: ${message}`, code: "SQLITE_UNKNOWN" };
  }
  const primary = /^SQLITE_[A-Z]+/.exec(code)?.[0] ?? code;
  const error = { message: `SQLite error: ${message}`, code: primary };
  return primary === code ? error : { ...error, extended_code: code };
}

/** The error in the store's result of a statement; undefined when it has none. */
export function errorIn(result: string): HranaError | undefined {
  if (!result.startsWith('{"error":')) return undefined;
  const { error: { message, code } } = JSON.parse(result);
  return sqliteError(String(message), String(code));
}

/**
 * Programs try again at SQLITE_BUSY and TRANSACTION_TIMEOUT: only where nothing was done, or all of
 * it was taken back.
 */
const codes: Readonly<Record<ServiceErrorKind, string>> = {
  no_leader: "SQLITE_BUSY",
  overloaded: "SQLITE_BUSY",
  too_large: "SQLITE_TOOBIG",
  unavailable: "SQLITE_BUSY",
  unknown_outcome: "UNKNOWN_OUTCOME",
  stale: "SQLITE_BUSY",
  behind: "SQLITE_BUSY",
  key_reused: "SQLITE_UNKNOWN",
  key_unknown: "SQLITE_UNKNOWN",
  conflict: "SQLITE_BUSY",
  no_transaction: "TRANSACTION_TIMEOUT",
  transaction_over: "TRANSACTION_TIMEOUT",
  timeout: "SQLITE_BUSY",
  invalid: "SQLITE_UNKNOWN",
  failed: "SQLITE_INTERNAL",
};

/** What a client is told of an error of the cluster's; undefined for one that is none. */
export function serviceErrorFor(error: unknown): HranaError | undefined {
  if (error instanceof ServiceError) {
    const { kind, message } = error;
    if (kind === "invalid" && message.startsWith("FOREIGN KEY constraint failed")) {
      return sqliteError(message, "SQLITE_CONSTRAINT_FOREIGNKEY");
    }
    if (kind === "invalid" && message.includes("it does not write")) {
      return sqliteError(message, "SQLITE_READONLY");
    }
    return { message, code: codes[kind] };
  }
  if (error instanceof StoreBusyError) return { message: messageOf(error), code: "SQLITE_BUSY" };
  return undefined;
}

/** Whether an error says that the transaction is over. */
export function endsTransaction(error: unknown): boolean {
  return error instanceof ServiceError &&
    ["conflict", "no_transaction", "transaction_over", "unknown_outcome"].includes(error.kind);
}
