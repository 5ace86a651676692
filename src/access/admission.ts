import type { Gate } from "./gate.ts";
import type { Identity } from "./types.ts";
import type { Users } from "./users.ts";

/** With what a node that joins says who it comes from: a user of -join-as. */
export interface JoinCredentials {
  readonly username: string;
  readonly password: string;
}

/** Who may become a member. */
export interface Admission {
  /** What this node says when it joins others; undefined: nothing. */
  readonly own: JoinCredentials | undefined;
  /**
   * In whose name a node may join that says this, as a voter ("join") or a read replica; undefined
   * when it may not.
   */
  admit(
    credentials: JoinCredentials | undefined,
    permission: "join" | "join-read-only",
  ): Promise<Identity | undefined>;
}

/** Thrown when -join-as names nobody whose password could be sent. */
export class JoinAsError extends Error {
  override name = "JoinAsError";
}

/**
 * Stands for the addresses of nodes that join: what they say of theirs is theirs to choose, so that
 * wrong passwords count together. Right ones that are known pass all the same.
 */
const raftPort = "the Raft port";

const encoder = new TextEncoder();

/** The admission of a node with users: `gate` decides. */
export function admissionBy(gate: Gate, own: JoinCredentials | undefined): Admission {
  return {
    own,
    admit: async (credentials, permission) => {
      const said = credentials && {
        type: "password" as const,
        username: credentials.username,
        password: encoder.encode(credentials.password),
      };
      const verdict = await gate.judgeCredentials([permission], said, raftPort);
      return verdict.type === "admitted" ? verdict.identity : undefined;
    },
  };
}

/** The credentials of the user that -join-as names. Throws a JoinAsError. */
export function joinCredentials({ byName }: Users, username: string): JoinCredentials {
  const password = byName.get(username)?.password;
  const name = JSON.stringify(username);
  if (password === undefined) {
    throw new JoinAsError(`-join-as names ${name}, who has no password in the file of users`);
  }
  if (password.text === undefined) {
    throw new JoinAsError(
      `-join-as names ${name}, of whose password the file of users has only a hash: the node that joins must know the text`,
    );
  }
  return { username, password: password.text };
}
