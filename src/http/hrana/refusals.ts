import { rightsOf } from "../../access/table_rights.ts";
import type { Identity } from "../../access/types.ts";
import type { AuditedRequest } from "../audited_request.ts";
import { tellRefusal } from "../table_refusals.ts";
import type { HranaError } from "./errors.ts";

/** Is told of each statement that failed. */
export type FailureListener = (sql: string, error: HranaError) => void;

/** Tells the audit of what was refused to a user with rights by table; undefined: nobody is told. */
export function refusalsOf(
  audited: AuditedRequest | undefined,
  identity: Identity,
): FailureListener | undefined {
  if (audited === undefined || rightsOf(identity) === undefined) return undefined;
  return failuresTo(audited);
}

export function failuresTo(audited: AuditedRequest): FailureListener {
  return (sql, { message }) => tellRefusal(audited, message.replace(/^SQLite error: /, ""), sql);
}
