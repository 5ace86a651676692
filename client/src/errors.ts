/** What all errors of the client are, but for the caller's own (a TypeError, an abort's reason). */
export class RaftliteError extends Error {
  override name = "RaftliteError";
}

/** A statement failed, and with it all of its request: nothing of that is done. */
export class SqlError extends RaftliteError {
  override name = "SqlError";
  /** Of the statement, among those of the request, from 0. */
  readonly index: number;

  constructor(message: string, index = 0) {
    super(message);
    this.index = index;
  }
}

/** It would break a constraint: UNIQUE, NOT NULL, CHECK, FOREIGN KEY. */
export class ConstraintError extends SqlError {
  override name = "ConstraintError";
}

/** The request is not right, or not permitted: nothing was done, and it would be refused again. */
export class Refused extends RaftliteError {
  override name = "Refused";
  /** Of HTTP: 401 for credentials, 422 for a key that was another request's. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** No node could do it in time: nothing was done. */
export class Unavailable extends RaftliteError {
  override name = "Unavailable";
}

/** The write may or may not have been done, or may yet be. `outcome(key)` of a client tells later. */
export class UnknownOutcome extends RaftliteError {
  override name = "UnknownOutcome";
  /** Under which the write was sent; with it, it can be sent again without being done twice. */
  readonly key: string;

  constructor(message: string, key: string, options?: ErrorOptions) {
    super(message, options);
    this.key = key;
  }
}

/** The write was done; what its statements answered is not to be had any more. */
export class ResultLost extends RaftliteError {
  override name = "ResultLost";
}

/** Others changed what the transaction had seen: it is rolled back, at every try. */
export class Conflict extends RaftliteError {
  override name = "Conflict";
}

/** The transaction is rolled back: it was open or idle for too long, or its node is lost. */
export class TransactionOver extends RaftliteError {
  override name = "TransactionOver";
}

/** The cluster keeps no changes from there on any more: everything is to be read again. */
export class ChangesLost extends RaftliteError {
  override name = "ChangesLost";
}

/** The error of a statement, by SQLite's words for it. */
export function sqlError(message: string, index: number): SqlError {
  return / constraint failed/.test(message)
    ? new ConstraintError(message, index)
    : new SqlError(message, index);
}
