/** What a client can be permitted, by the names of rqlite's file of users. */
export const permissions = [
  "all",
  "query",
  "execute",
  "backup",
  "load",
  "remove",
  "snapshot",
  "status",
  "leader-ops",
  "ready",
  "ui",
  "join",
  "join-read-only",
  "join-read-replica",
] as const;

export type Permission = typeof permissions[number];

/**
 * Which tables a user may read and write: names, compared without regard to ASCII case as SQLite
 * does, in which `*` stands for any characters and all else for itself. Who may write a table may
 * not for that read it.
 */
export interface TableRights {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** Who asks: what was found out about a request where it was let in. */
export interface Identity {
  /** The user's name as in the file; undefined for somebody who is not known. */
  readonly username: string | undefined;
  /** Undefined: every table, as far as the permissions go. */
  readonly tables?: TableRights;
  /** The name of the token by which the user came; undefined: by a password, or not known. */
  readonly token?: string | undefined;
}

/** Who asked for something, and from where: as an audit tells of it. */
export interface Requester {
  /** The user's name, once it is proven; undefined for somebody who is not known. */
  readonly username?: string | undefined;
  /** Of the client, as the node saw it that let it in; "" when it is not known. */
  readonly address: string;
}

/** Who asks where nobody is asked who they are. */
export const anybody: Identity = { username: undefined };

/** Whether somebody may do what they ask for. */
export type Verdict =
  | { readonly type: "admitted"; readonly identity: Identity }
  /** The user that was named, if any, and whether it is that one, who lacks the right. */
  | { readonly type: "refused"; readonly username: string | undefined; readonly proven: boolean }
  /** Too many wrong passwords, or too many to check at once: nothing was checked. */
  | { readonly type: "slowed"; readonly username: string; readonly seconds: number };
