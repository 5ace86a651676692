import { rightsOf } from "../access/table_rights.ts";
import type { Identity } from "../access/types.ts";
import { ResultErrors, type StatementErrorListener } from "../cluster/result_errors.ts";
import type { Results } from "../store/types.ts";
import type { AuditedRequest } from "./audited_request.ts";
import type { RequestStatements } from "./data_request.ts";
import { LargeStatements } from "./large_statements.ts";
import { nextTurn } from "./next_turn.ts";

/** How SQLite is made to say that a user lacks a right by table (store/table_guard.ts). */
const refusal = / is prohibited: (?:user "|it is for users of all tables)/;
const table = /^access to (.+) is prohibited: user "/s;

/** Bytes of results that are looked through without a pause. */
const sliceBytes = 64 * 1024;

/** Statements of a user, and what the audit hears of them. */
interface Audited {
  readonly audited: AuditedRequest | undefined;
  readonly identity: Identity;
  readonly statements: RequestStatements;
}

/** The same results, of which the audit is told what was refused to a user with rights by table. */
export function toAudit<From extends Results | ReadableStream<Uint8Array>>(
  { audited, identity, statements }: Audited,
  results: From,
): Results | ReadableStream<Uint8Array> {
  if (audited === undefined || rightsOf(identity) === undefined) return results;
  return auditedResults(results, refusalListener(audited, statements));
}

/** Tells the audit of those errors that are refusals. */
export function refusalListener(
  audited: AuditedRequest,
  statements: RequestStatements,
): StatementErrorListener {
  return (index, error) => {
    const sql = statements instanceof LargeStatements ? undefined : statements[index]?.sql;
    tellRefusal(audited, error, sql);
  };
}

/** Tells the audit of the error of a statement, if it is a refusal. */
export function tellRefusal(
  audited: AuditedRequest,
  error: string,
  sql: string | undefined,
): void {
  if (!refusal.test(error)) return;
  audited.refused({ table: table.exec(error)?.[1], reason: error }, sql);
}

function auditedResults(
  results: Results | ReadableStream<Uint8Array>,
  listener: StatementErrorListener,
): Results | ReadableStream<Uint8Array> {
  const errors = new ResultErrors(listener);
  if (results instanceof ReadableStream) {
    return results.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (piece, controller) => {
          errors.push(piece);
          controller.enqueue(piece);
        },
      }),
    );
  }
  void lookThrough(errors, typeof results === "string" ? encoder.encode(results) : results);
  return results;
}

const encoder = new TextEncoder();

async function lookThrough(errors: ResultErrors, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += sliceBytes) {
    if (at > 0) await nextTurn();
    errors.push(bytes.subarray(at, at + sliceBytes));
  }
}
