import { messageOf } from "../base/message_of.ts";
import { NodeError } from "../node/types.ts";
import { StoreBusyError } from "../store/types.ts";
import { TransportError } from "../transport/types.ts";
import { ServiceError, type ServiceErrorKind } from "./types.ts";

/** What rqlite's clients know the absence of a leader by. */
const noLeaderText = "leader not found";

/** What a node is told that may not join. */
export const unauthorizedText = "unauthorized";

/** How it begins why a node may not join that asked in its place. */
export const joinRefused = "Join refused";

/** Refuses a node for now: its rights may be given to it while it goes on asking. */
export function unauthorized(): ServiceError {
  return new ServiceError("unavailable", unauthorizedText);
}

/** The error of a failed call as a client is to see it. */
export function serviceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof NodeError) {
    return new ServiceError(nodeKind(error), nodeText(error), { cause: error });
  }
  if (error instanceof TransportError) {
    const unknown = error.kind === "interrupted" || error.kind === "timeout";
    return unknown
      ? new ServiceError("unknown_outcome", `Outcome unknown: ${error.message}`, { cause: error })
      : new ServiceError("unavailable", error.message, { cause: error });
  }
  if (error instanceof StoreBusyError) {
    return new ServiceError("overloaded", error.message, { cause: error });
  }
  const message = messageOf(error);
  return new ServiceError("failed", message, { cause: error });
}

/** Whether a request that failed so has certainly not reached the node that was asked. */
export function neverArrived(error: TransportError): boolean {
  return error.kind === "unreachable" || error.kind === "overloaded";
}

/** Why another node was asked in vain, where nothing hangs on what it may have done. */
export function reasonOf(error: unknown): string {
  return error instanceof TransportError ? error.message : serviceError(error).message;
}

/** The same, with the address that was asked: once, for most errors of the transport name it. */
export function reasonAt(address: string, error: unknown): string {
  const reason = reasonOf(error);
  return reason.includes(address) ? reason : `${address}: ${reason}`;
}

function nodeKind(error: NodeError): ServiceErrorKind {
  switch (error.kind) {
    case "not_leader":
    case "lost":
      return "no_leader";
    case "unknown":
      return "unknown_outcome";
    case "membership_busy":
      return "failed";
    case "membership_invalid":
    case "too_new":
      return "invalid";
    case "overloaded":
    case "too_large":
    case "unavailable":
    case "timeout":
      return error.kind;
  }
}

function nodeText(error: NodeError): string {
  return nodeKind(error) === "no_leader" ? noLeaderText : error.message;
}

export function noLeader(): ServiceError {
  return new ServiceError("no_leader", noLeaderText);
}
