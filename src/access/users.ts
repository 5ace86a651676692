import type { Password } from "./password.ts";
import type { Identity, Permission, TableRights } from "./types.ts";

/** A token that stands for its user. */
export interface Token {
  readonly name: string;
  /** SHA-256 of the token's text, in lower-case hexadecimal digits. */
  readonly hash: string;
  /** By the wall clock, in ms since 1970; undefined: it never ends. */
  readonly endsAtMs: number | undefined;
  /** What of its user's permissions it has; undefined: all of them. */
  readonly permissions: ReadonlySet<Permission> | undefined;
}

export interface User {
  readonly username: string;
  /** Undefined for one who has tokens only. */
  readonly password: Password | undefined;
  readonly permissions: ReadonlySet<Permission>;
  /** Undefined: every table. */
  readonly tables: TableRights | undefined;
  readonly tokens: readonly Token[];
}

/** All who may do something. */
export interface Users {
  readonly byName: ReadonlyMap<string, User>;
  /** By the tokens' hashes. */
  readonly byToken: ReadonlyMap<string, { readonly user: User; readonly token: Token }>;
  /** Of all passwords that stand there as such. */
  readonly hashes: readonly string[];
  /** What everybody may do, by the entry `*`. */
  readonly everybody: Pick<User, "permissions" | "tables"> | undefined;
}

/** Somebody's permissions: the user's own, or a token's part of them. */
export type Holder = Pick<User, "username" | "permissions" | "tables">;

/**
 * Who somebody is to the endpoints who asks for all of `needed`, each of which the user has or
 * everybody has; undefined when that is not so. Tables may be read as far as by whom they may be
 * queried, and written likewise.
 */
export function identityFor(
  needed: readonly Permission[],
  holder: Holder | undefined,
  everybody: Users["everybody"],
): Identity | undefined {
  let reading = allTables;
  let writing = allTables;
  for (const permission of needed) {
    // The user's own rights count before everybody's: they are meant for this user.
    const giver = holder !== undefined && has(holder, permission) ? holder : everybody;
    if (giver === undefined || !has(giver, permission)) return undefined;
    const tables = giver.tables ?? allTables;
    if (permission !== "execute" || needed.length === 1) reading = tables;
    if (permission === "execute" || needed.length === 1) writing = tables;
  }
  const username = holder?.username;
  // As the file has them: what is kept of rights (rightsOf) is kept by this object.
  const tables = reading === writing ? reading : { read: reading.read, write: writing.write };
  return tables === allTables ? { username } : { username, tables };
}

const allTables: TableRights = { read: ["*"], write: ["*"] };

/** Whether `*` alone permits it, and no less than any user is permitted. */
export function isFree(needed: readonly Permission[], everybody: Users["everybody"]): boolean {
  return everybody !== undefined && everybody.tables === undefined &&
    needed.every((permission) => has(everybody, permission));
}

function has({ permissions }: Pick<User, "permissions">, permission: Permission): boolean {
  return permissions.has(permission) || permissions.has("all");
}
