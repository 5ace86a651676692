import type { Identity, Verdict } from "../access/types.ts";
import type { Audit, AuditDetails, AuditedAct, AuditOutcome } from "../audit/types.ts";
import { ServiceError } from "../cluster/types.ts";
import { messageOf } from "../base/message_of.ts";
import { RequestError } from "./request_error.ts";

/** What the audit is told of any request. */
export interface AuditedRequestParts {
  readonly audit: Audit;
  /** The administrative act that the request asks for; undefined for any other. */
  readonly act: AuditedAct | undefined;
  readonly request: Request;
  readonly identity: Identity;
  readonly address: string;
}

/**
 * A request as the audit is told of it: an administrative act when its outcome is known, anything
 * else only when it is refused.
 */
export class AuditedRequest {
  readonly #parts: AuditedRequestParts;
  #details: AuditDetails = {};
  #sql: string | undefined;
  /** What became of it has been told, or somebody else will. */
  #isTold = false;

  constructor(parts: AuditedRequestParts) {
    this.#parts = parts;
  }

  get wantsSql(): boolean {
    return this.#parts.audit.wantsSql;
  }

  /** What it is about, once that is known. */
  note(details: AuditDetails, sql?: string): void {
    this.#details = { ...this.#details, ...details };
    this.#sql = sql ?? this.#sql;
  }

  /** It goes on when it is answered: whoever calls this calls `end` then. */
  begin(): void {
    this.#isTold = true;
    this.#record("begun");
  }

  end(outcome: AuditOutcome, details: AuditDetails = {}): void {
    this.#isTold = true;
    this.note(details);
    this.#record(outcome);
  }

  /** One of its statements is refused. */
  refused(details: AuditDetails, sql?: string): void {
    this.#record("refused", { status: 200, ...details }, sql);
  }

  answered(status: number): void {
    if (this.#isTold || this.#parts.act === undefined) return;
    if (status < 300) this.end("ok");
    else if (status < 400) this.end("redirected");
    else this.end("failed", { status });
  }

  failed(error: unknown): void {
    const isRefusal = error instanceof RequestError && error.status === 403;
    if (isRefusal) this.end("refused", { status: error.status, reason: error.message });
    else if (!this.#isTold && this.#parts.act !== undefined) {
      const unknown = error instanceof ServiceError && error.kind === "unknown_outcome";
      this.end(unknown ? "unknown" : "failed", { reason: messageOf(error) });
    }
  }

  #record(outcome: AuditOutcome, details = this.#details, sql = this.#sql): void {
    const { audit, act, request, identity: { username, token }, address } = this.#parts;
    audit.record({
      what: act ?? "request",
      outcome,
      requester: { username, address },
      details: { token, ...whichRequest(request), ...details },
      sql,
    });
  }
}

/** Nothing of the query: it may hold SQL. */
function whichRequest({ method, url }: Request): AuditDetails {
  return { method, path: new URL(url).pathname };
}

export interface KeptOut {
  readonly act: AuditedAct | undefined;
  readonly request: Request;
  readonly address: string;
  readonly needed: readonly string[];
  readonly verdict: Exclude<Verdict, { readonly type: "admitted" }>;
}

/** Tells of a request that was not let in. */
export function recordKeptOut(audit: Audit, keptOut: KeptOut): void {
  const { act, request, address, needed, verdict } = keptOut;
  const isProven = verdict.type === "refused" && verdict.proven;
  audit.record({
    what: act ?? "request",
    outcome: "refused",
    requester: { username: isProven ? verdict.username : undefined, address },
    claimedUser: isProven ? undefined : verdict.username,
    details: {
      ...whichRequest(request),
      status: verdict.type === "slowed" ? 429 : 401,
      reason: reasonOf(keptOut),
      needs: needed,
    },
  });
}

function reasonOf({ verdict, request }: KeptOut): string {
  if (verdict.type === "slowed") return "too many attempts";
  if (verdict.proven) return "the user lacks a permission";
  if (verdict.username !== undefined) return "no user of that name and password";
  return request.headers.has("authorization")
    ? "no such token, or credentials that cannot be read"
    : "no credentials";
}
