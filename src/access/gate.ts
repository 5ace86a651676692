import type { Clock } from "../io/types.ts";
import { networkOf } from "./client_network.ts";
import { type Credentials, credentialsIn } from "./credentials.ts";
import { FailureLimit } from "./failure_limit.ts";
import { type Digest, digestOf } from "./password.ts";
import type { Identity, Permission, Verdict } from "./types.ts";
import { type Holder, identityFor, isFree, type User, type Users } from "./users.ts";

/** Wrong passwords of one address, and of one address for one user. */
const addressLimits = { failuresMax: 100, forgottenMs: 1_000, keysMax: 10_000 };
const userLimits = { failuresMax: 10, forgottenMs: 2_000, keysMax: 10_000 };

/** For how long who has failed comes after those who have not, in ms: many comparisons' time. */
const distrustMs = 60_000;

export interface GateParts {
  /** The newest that are in force. */
  readonly users: () => Users;
  readonly hashes: HashChecks;
  readonly clock: Clock;
}

export interface HashQuestion {
  readonly password: Uint8Array<ArrayBuffer>;
  /** The password's. */
  readonly digest: Digest;
  readonly hash: string;
  /** Who asks: none gets all the time there is. */
  readonly address: string;
  /** Asked when it is anybody's turn: whether nobody has failed from there lately, so that it comes first. */
  readonly trusted: () => boolean;
}

/** "busy": too many wait, all together or of that address, and nothing was compared. */
export type HashOutcome = "right" | "wrong" | "busy";

/** Finds out by slow work whether passwords are those of hashes. */
export interface HashChecks {
  /** Never rejects. */
  check(question: HashQuestion): Promise<HashOutcome>;
}

/** What is known of who asks for something. */
export interface Known {
  /** Undefined for who may not do it. */
  readonly identity: Identity | undefined;
  /** Until when, by the wall clock, in ms since 1970; undefined: as long as the users are the same. */
  readonly endsAtMs: number | undefined;
}

/** Decides who may do what. */
export class Gate {
  readonly #users: () => Users;
  readonly #hashes: HashChecks;
  readonly #clock: Clock;
  readonly #addresses = new FailureLimit(addressLimits);
  readonly #attempts = new FailureLimit(userLimits);

  constructor(parts: GateParts) {
    this.#users = parts.users;
    this.#hashes = parts.hashes;
    this.#clock = parts.clock;
  }

  /**
   * Whether who sent this Authorization header from this address may do all of `needed`. At once,
   * except when a password must be compared with a hash for the first time.
   */
  judge(
    needed: readonly Permission[],
    authorization: string | null,
    address: string,
  ): Verdict | Promise<Verdict> {
    return this.judgeCredentials(needed, credentialsIn(authorization), address);
  }

  /** The users that are in force now. */
  get users(): Users {
    return this.#users();
  }

  /**
   * Whether it still is so that `users` admit this identity, who has sent this Authorization header:
   * for what goes on for long. False, to be on the safe side, once any of them have changed.
   */
  isStillSo(users: Users, { token }: Identity, authorization: string | null): boolean {
    if (this.#users() !== users) return false;
    const credentials = credentialsIn(authorization);
    // Who was let in as everybody is, with a token that is over, stays in.
    if (token === undefined || credentials?.type !== "token") return true;
    return this.#holderOf(credentials.hash, users) !== undefined;
  }

  /**
   * The same where it is known without any work, and counts as no attempt; undefined where it is not:
   * a password is wrong, or was never compared with its hash.
   */
  known(needed: readonly Permission[], authorization: string | null): Known | undefined {
    const users = this.#users();
    const credentials = credentialsIn(authorization);
    if (credentials?.type === "password" && !isFree(needed, users.everybody)) {
      const password = users.byName.get(credentials.username)?.password;
      if (password?.isKnown(digestOf(credentials.password)) !== true) return undefined;
    }
    // First, as time goes on: it must not be over behind it and in force before.
    const endsAtMs = this.#endOf(credentials, users);
    const verdict = this.judgeCredentials(needed, credentials, "");
    if (verdict instanceof Promise) return undefined;
    return { identity: verdict.type === "admitted" ? verdict.identity : undefined, endsAtMs };
  }

  /** When a token ends that is in force. */
  #endOf(credentials: Credentials | undefined, users: Users): number | undefined {
    if (credentials?.type !== "token") return undefined;
    const endsAtMs = users.byToken.get(credentials.hash)?.token.endsAtMs;
    return endsAtMs !== undefined && endsAtMs > this.#clock.wallTime() ? endsAtMs : undefined;
  }

  judgeCredentials(
    needed: readonly Permission[],
    credentials: Credentials | undefined,
    address: string,
  ): Verdict | Promise<Verdict> {
    const users = this.#users();
    if (credentials === undefined || isFree(needed, users.everybody)) {
      return verdict(identityFor(needed, undefined, users.everybody), undefined, false);
    }
    if (credentials.type === "token") return this.#byToken(needed, credentials.hash, users);
    return this.#byPassword({ needed, users, credentials, address: networkOf(address) });
  }

  #byToken(needed: readonly Permission[], hash: string, users: Users): Verdict {
    const holder = this.#holderOf(hash, users);
    const identity = identityFor(needed, holder, users.everybody);
    const token = holder && users.byToken.get(hash)?.token.name;
    return verdict(identity && { ...identity, token }, holder?.username, holder !== undefined);
  }

  #holderOf(hash: string, users: Users): Holder | undefined {
    const found = users.byToken.get(hash);
    if (found === undefined) return undefined;
    const { user, token } = found;
    if (token.endsAtMs !== undefined && token.endsAtMs <= this.#clock.wallTime()) return undefined;
    return token.permissions === undefined ? user : { ...user, permissions: partOf(user, token) };
  }

  #byPassword(asked: Asked): Verdict | Promise<Verdict> {
    const { needed, users, credentials: { username, password }, address } = asked;
    const user = users.byName.get(username);
    const digest = digestOf(password);
    // Whoever is known passes, however often others fail from there.
    if (user?.password?.isKnown(digest) === true) {
      return verdict(identityFor(needed, user, users.everybody), username, true);
    }
    const now = this.#clock.now();
    const attempt = JSON.stringify([address, username]);
    const waitMs = Math.max(
      this.#addresses.waitMs(address, now),
      this.#attempts.waitMs(attempt, now),
    );
    if (waitMs > 0) return slowed(username, waitMs);
    // One who is not there, or has no hash, takes as long as one who has.
    const hash = user?.password?.hash ?? hashFor(username, users);
    if (hash === undefined) return this.#failed(asked, attempt);
    const trusted = () => !this.#addresses.hasFailedWithin(distrustMs, address, this.#clock.now());
    return this.#hashes.check({ password, digest, hash, address, trusted })
      .then((outcome) => this.#checked(asked, { user, digest, attempt, outcome }));
  }

  #checked(asked: Asked, checked: Checked): Verdict {
    const { user, digest, attempt, outcome } = checked;
    if (outcome === "busy") return slowed(asked.credentials.username, busyMs);
    if (outcome === "wrong" || user?.password?.hash === undefined) {
      return this.#failed(asked, attempt);
    }
    user.password.remember(digest);
    return verdict(identityFor(asked.needed, user, asked.users.everybody), user.username, true);
  }

  /** Wrong credentials leave what everybody may do. */
  #failed({ needed, users, credentials: { username }, address }: Asked, attempt: string): Verdict {
    const now = this.#clock.now();
    this.#addresses.failed(address, now);
    this.#attempts.failed(attempt, now);
    return verdict(identityFor(needed, undefined, users.everybody), username, false);
  }
}

interface Asked {
  readonly needed: readonly Permission[];
  readonly users: Users;
  readonly credentials: Extract<Credentials, { readonly type: "password" }>;
  readonly address: string;
}

interface Checked {
  readonly user: User | undefined;
  readonly digest: Digest;
  readonly attempt: string;
  readonly outcome: HashOutcome;
}

/** When to come back while too many passwords are being checked, in ms. */
const busyMs = 1_000;

/** `proven`: that it is this user. */
function verdict(
  identity: Identity | undefined,
  username: string | undefined,
  proven: boolean,
): Verdict {
  return identity === undefined
    ? { type: "refused", username, proven }
    : { type: "admitted", identity };
}

function slowed(username: string, waitMs: number): Verdict {
  return { type: "slowed", username, seconds: Math.ceil(waitMs / 1_000) };
}

/**
 * A hash to compare for somebody who has none: always the same for one name, and one of all that
 * there are, so that time tells nobody who is there.
 */
function hashFor(username: string, { hashes }: Users): string | undefined {
  if (hashes.length === 0) return undefined;
  return hashes[digestOf(encoder.encode(username)).readUInt32LE() % hashes.length];
}

const encoder = new TextEncoder();

/** Those permissions of a user that a token has, too. */
function partOf(user: User, token: { readonly permissions: ReadonlySet<Permission> | undefined }) {
  const { permissions } = token;
  if (permissions === undefined || permissions.has("all")) return user.permissions;
  return user.permissions.has("all") ? permissions : permissions.intersection(user.permissions);
}
