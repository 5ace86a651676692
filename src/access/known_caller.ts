import type { Identity } from "./types.ts";

/** What threads beside the main one answer by themselves. */
export type OwnPermission = "query" | "execute";

/**
 * What who sends an Authorization header may do, as far as that is known without any work. Who has
 * rights by table is nobody here: what such a user asks for, others look at.
 */
export interface KnownCaller extends Readonly<Record<OwnPermission, Identity | undefined>> {
  /** Among which users it is so, by the UsersEpoch. */
  readonly epoch: number;
  /** Until when, by the wall clock, in ms since 1970; undefined: as long as the users are the same. */
  readonly endsAtMs: number | undefined;
}
