import { majority } from "../raft/configuration.ts";
import type { Member } from "../raft/types.ts";

/** What a node's flags ask for it to be. */
export type Wish =
  /** A voter, always. */
  | "voter"
  /** One that takes the place of a voter that is gone (-raft-standby). */
  | "standby"
  /** A read replica (-raft-non-voter). */
  | "replica";

/** How a leader sees a member. */
export interface Standing {
  readonly member: Member;
  /** The leader itself. */
  readonly isSelf: boolean;
  /** Undefined while it is not known. */
  readonly wish: Wish | undefined;
  /** How long nothing was heard of it, in ms, as far as this leader can tell. */
  readonly silentMs: number;
}

/** When something is done about members that are gone, in ms; 0 for never. */
export interface RoleTimes {
  /** A voter, until a standby takes its place. */
  readonly standbyMs: number;
  /** A voter, until it is taken out of the cluster. */
  readonly reapMs: number;
  /** A member without a vote, the same. */
  readonly reapReadOnlyMs: number;
}

/** One change, after which things are looked at anew. */
export type RoleStep =
  /** It gets a vote, once it has caught up. */
  | { readonly type: "promote"; readonly member: Member; readonly why: string }
  /** It goes on receiving, and votes no more. */
  | { readonly type: "demote"; readonly member: Member; readonly why: string }
  /** The leader is to be demoted: another must lead for that. */
  | { readonly type: "hand_over"; readonly why: string }
  | { readonly type: "reap"; readonly member: Member; readonly why: string };

/** Whoever was heard from within this time is there, in ms; within less, if a voter is gone after less. */
const presentMsMax = 3_000;

/**
 * What a leader is to do next about roles; undefined for nothing. One member changes at a time, and
 * a standby gets its vote before the one that is gone loses its own, so that every majority on the
 * way overlaps the one before (4.1), and there are never fewer that can stand in.
 *
 * What nobody knows counts so that nothing is taken away: a member that has not been heard from
 * since this leader began may be a voter that gave its place to a standby.
 */
export function nextRole(standings: readonly Standing[], times: RoleTimes): RoleStep | undefined {
  return standbyStep(standings, times) ?? reapStep(standings, times);
}

function presence({ standbyMs }: RoleTimes): (standing: Standing) => boolean {
  const limitMs = standbyMs === 0 ? presentMsMax : Math.min(presentMsMax, standbyMs);
  return ({ isSelf, silentMs }) => isSelf || silentMs < limitMs;
}

function standbyStep(standings: readonly Standing[], times: RoleTimes): RoleStep | undefined {
  if (times.standbyMs === 0 || !standings.some(({ wish }) => wish === "standby")) return undefined;
  const those = (suffrage: Member["suffrage"], wish?: Wish) =>
    standings.filter((one) =>
      one.member.suffrage === suffrage && (wish === undefined || one.wish === wish)
    );
  const isPresent = presence(times);
  const staging = those("staging");
  for (const { member, silentMs } of staging) {
    if (silentMs < times.standbyMs) return undefined;
    return { type: "demote", member, why: `it was not heard from for ${secondsOf(silentMs)}` };
  }
  const voters = those("voter");
  const acting = those("voter", "standby");
  const gone = voters.filter((one) => !one.isSelf && one.silentMs >= times.standbyMs);
  const back = those("learner", "voter").filter(isPresent)[0];
  const waiting = those("learner", "standby").filter(isPresent)[0];
  // As many as there are voters by nature; those whose nature is not known may be.
  const natural = voters.length - acting.length + those("learner", "voter").length;
  const naturalMax = natural +
    standings.filter((one) => one.member.suffrage === "learner" && one.wish === undefined).length;

  const lost = gone[0];
  if (voters.length > natural && lost !== undefined && acting.length > 0) {
    const { member, silentMs } = lost;
    const why = `it was not heard from for ${secondsOf(silentMs)}, and a standby has its place`;
    return { type: "demote", member, why };
  }
  if (voters.length > naturalMax && gone.length === 0) {
    const idle = acting.find((one) => !one.isSelf);
    const why = "it is a standby, and all voters are there";
    if (idle !== undefined) return { type: "demote", member: idle.member, why };
    if (acting.length > 0) return { type: "hand_over", why };
  }
  if (back !== undefined && voters.length <= naturalMax) {
    return { type: "promote", member: back.member, why: "it is there again" };
  }
  if (waiting !== undefined && voters.length - gone.length < natural) {
    const names = gone.map(({ member }) => member.address).join(", ");
    const why = names === ""
      ? "there are fewer voters than there should be"
      : `the voter at ${names} was not heard from for ${secondsOf(lost?.silentMs ?? 0)}`;
    return { type: "promote", member: waiting.member, why };
  }
  return undefined;
}

function reapStep(standings: readonly Standing[], times: RoleTimes): RoleStep | undefined {
  const voters = standings.filter((one) => one.member.suffrage === "voter");
  // Who is there must be a majority before and after: else those that are gone may be the cluster.
  if (voters.filter(presence(times)).length < majority(voters.length)) return undefined;
  for (const { member, isSelf, wish, silentMs } of standings) {
    const isVoter = member.suffrage !== "learner" || wish === "voter";
    const limitMs = isVoter ? times.reapMs : times.reapReadOnlyMs;
    if (isSelf || limitMs === 0 || silentMs < limitMs) continue;
    return { type: "reap", member, why: `it was not heard from for ${secondsOf(silentMs)}` };
  }
  return undefined;
}

function secondsOf(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
