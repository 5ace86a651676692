import type { Identity } from "../access/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AuditedRequest } from "./audited_request.ts";
import type { RequestStatements } from "./data_request.ts";
import type { QueryParameters } from "./query_parameters.ts";
import type { RunningWork } from "./running_requests.ts";

/** A request whose statements are known: what is to be carried out. */
export interface Work extends RunningWork {
  readonly request: Request;
  readonly statements: RequestStatements;
  readonly parameters: QueryParameters;
  /** It came to /db/request. */
  readonly unified: boolean;
  /** When it began, if it asks for timings; see `startOf`. */
  readonly startedAt: number;
  readonly identity: Identity;
  readonly audited: AuditedRequest | undefined;
}

export function workOf(
  { request, parameters, identity, audited, requester }: AdmittedRequest<"statements">,
  statements: RequestStatements,
  { unified, startedAt }: Pick<Work, "unified" | "startedAt">,
): Work {
  return { request, parameters, statements, unified, startedAt, identity, audited, requester };
}
