import type { Requester } from "../access/types.ts";
import type { Audit, AuditEvent, AuditOutcome } from "../audit/types.ts";
import { hostOf } from "../io/address.ts";
import { nodeName } from "../raft/types.ts";
import type { Peer } from "../transport/types.ts";
import { joinRefused, serviceError, unauthorizedText } from "./errors.ts";
import type { ServiceError } from "./types.ts";
import { decodeRaise, decodeRemove, decodeStepDown, type JoinCall } from "./member_wire.ts";
import { readAnswer, RequestKind } from "./wire.ts";

/** An event whose outcome is not known yet. */
export type PendingEvent = Omit<AuditEvent, "outcome">;

/** The administrative act that another member passes on; undefined for all else. */
export function passedOn(peer: Peer, kind: number, payload: Uint8Array): PendingEvent | undefined {
  if (kind === RequestKind.remove) {
    const { name, requester } = decodeRemove(payload);
    return { what: "remove", requester, through: throughOf(peer), details: { target: name } };
  }
  if (kind === RequestKind.stepDown) {
    const { name, requester } = decodeStepDown(payload);
    return { what: "stepdown", requester, through: throughOf(peer), details: { target: name } };
  }
  if (kind === RequestKind.raise) {
    const { version, requester } = decodeRaise(payload);
    return { what: "upgrade", requester, through: throughOf(peer), details: { version } };
  }
  return undefined;
}

/** A node wants to be a member, as it said itself or as a member passes it on. */
export function joinEvent({ peer, call, isRelayed, requester, forwardedTo }: {
  readonly peer: Peer;
  readonly call: JoinCall;
  readonly isRelayed: boolean;
  readonly requester: Requester | undefined;
  readonly forwardedTo: string | undefined;
}): PendingEvent {
  return {
    what: "join",
    requester,
    through: isRelayed ? throughOf(peer) : undefined,
    details: {
      target: nodeName(call.id),
      raft_address: call.address,
      http_address: call.httpAddress,
      as: call.suffrage === "learner" ? "read replica" : "voter",
      forwarded_to: forwardedTo,
    },
  };
}

/** A member may not stand by for a vote. */
export function standbyRefused(peer: Peer, claimedUser: string | undefined): AuditEvent {
  return {
    what: "standby",
    outcome: "refused",
    requester: { address: hostOf(peer.remoteAddress) },
    claimedUser,
    details: { target: nodeName(peer.id) },
  };
}

function throughOf({ id, remoteAddress }: Peer): PendingEvent["through"] {
  return { node: nodeName(id), address: hostOf(remoteAddress) };
}

/**
 * Tells the audit of an event when its answer, one of wire.ts, is there: it may be one of the leader's
 * that is passed back, a failure too.
 */
export async function withOutcome(
  audit: Audit,
  event: PendingEvent,
  answer: Promise<Uint8Array>,
): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await answer;
  } catch (error) {
    const isPassing = event.through !== undefined && serviceError(error).kind === "no_leader";
    // Nothing is decided here: who passed it on goes on to look for the leader.
    if (!isPassing) audit.record(failed(event, error));
    throw error;
  }
  try {
    readAnswer(bytes);
    audit.record({ ...event, outcome: "ok" });
  } catch (error) {
    audit.record(failed(event, error));
  }
  return bytes;
}

function failed(event: PendingEvent, error: unknown): AuditEvent {
  const failure = serviceError(error);
  const details = { ...event.details, reason: failure.message };
  return { ...event, outcome: outcomeOf(failure), details };
}

function outcomeOf({ kind, message }: ServiceError): AuditOutcome {
  if (kind === "unknown_outcome") return "unknown";
  const isRefusal = message === unauthorizedText || message.startsWith(joinRefused);
  return isRefusal ? "refused" : "failed";
}
