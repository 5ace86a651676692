import type { Requester } from "../access/types.ts";

/** What was attempted: the value of `what` in a line. docs/security.md says of each what else is told. */
export type AuditedAct =
  /** A request that is none of the acts below: told of only when it is refused. */
  | "request"
  /** Somebody connected: told of only when that is refused. */
  | "connection"
  | "backup"
  | "boot"
  | "bootstrap"
  /** A statement that was under way was ended. */
  | "end_request"
  | "demote"
  /** All that is in the memory of the main thread was asked for. */
  | "heap_snapshot"
  | "join"
  | "load"
  | "notify"
  | "promote"
  | "verify"
  | "reap"
  | "recover"
  | "reload"
  | "remove"
  | "sighup"
  | "snapshot"
  | "standby"
  | "start"
  | "stepdown"
  | "stop"
  | "upgrade";

export type AuditOutcome =
  | "ok"
  /** It is under way: its end is told by another line. */
  | "begun"
  /** Whoever asked may not. */
  | "refused"
  | "failed"
  /** It may have been done or not. */
  | "unknown"
  /** Whoever asked was sent to another node, where it was not asked for yet. */
  | "redirected";

/** More about an event, by the names that it has in its line; undefined is left out. */
export type AuditDetails = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

export interface AuditEvent {
  readonly what: AuditedAct;
  readonly outcome: AuditOutcome;
  /** Undefined for what this node does by itself. */
  readonly requester?: Requester | undefined;
  /** Who somebody claimed to be who did not prove it. */
  readonly claimedUser?: string | undefined;
  /** The member that handed on what somebody asked it for. */
  readonly through?: { readonly node: string; readonly address: string } | undefined;
  readonly details?: AuditDetails;
  /** Written only where it is asked for. Never with values of parameters. */
  readonly sql?: string | undefined;
}

/** Takes down who did what. Undefined, wherever one may be, where nobody wants to know. */
export interface Audit {
  /** Whether SQL is asked for: else nobody need make a text of it. */
  readonly wantsSql: boolean;
  /** Never throws, and takes no time: the line is written later. */
  record(event: AuditEvent): void;
}
