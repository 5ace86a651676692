import type { Gate } from "./gate.ts";
import type { KnownCaller, OwnPermission } from "./known_caller.ts";
import { rightsOf } from "./table_rights.ts";
import type { Identity } from "./types.ts";
import { UsersEpoch } from "./users_epoch.ts";

/** Tells other threads whom they may let in by themselves, and when they have to ask again. */
export class CallerTeller {
  readonly epoch = new UsersEpoch();
  readonly #gate: Pick<Gate, "known">;

  constructor(gate: Pick<Gate, "known">) {
    this.#gate = gate;
  }

  /** To be called in the moment from which on others are in force. */
  usersChanged(): void {
    this.epoch.next();
  }

  /** Undefined for who is not known: a password is wrong, or nobody has compared it yet. */
  tell(authorization: string | null): KnownCaller | undefined {
    const query = this.#known("query", authorization);
    const execute = this.#known("execute", authorization);
    if (query === undefined || execute === undefined) return undefined;
    return {
      query: query.identity,
      execute: execute.identity,
      epoch: this.epoch.now,
      endsAtMs: query.endsAtMs,
    };
  }

  #known(permission: OwnPermission, authorization: string | null) {
    const known = this.#gate.known([permission], authorization);
    return known && { ...known, identity: ofAllTables(known.identity) };
  }
}

/** The same who has rights to all tables, without the tables; undefined for anybody else. */
function ofAllTables(identity: Identity | undefined): Identity | undefined {
  if (identity === undefined || rightsOf(identity) !== undefined) return undefined;
  const { username, token } = identity;
  return { username, token };
}
