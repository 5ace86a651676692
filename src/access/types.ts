/** What a client can be permitted, by the names of rqlite's file of users. */
export type Permission =
  | "all"
  | "query"
  | "execute"
  | "backup"
  | "load"
  | "remove"
  | "snapshot"
  | "status"
  | "leader-ops"
  | "ready"
  | "ui"
  | "join"
  | "join-read-only"
  | "join-read-replica";

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
}
