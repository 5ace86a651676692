import { permissions } from "../../src/access/types.ts";

/** Who is signed in, for this tab alone: another tab, or the next start of the browser, asks anew. */

const key = "raftlite.authorization";

let authorization = readKept();

function readKept(): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** The Authorization header to send; undefined for nobody. */
export function credentials(): string | undefined {
  return authorization;
}

export function keepCredentials(header: string | undefined): void {
  authorization = header;
  try {
    if (header === undefined) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, header);
  } catch {
    // Without storage they are kept until the page is left.
  }
}

export function basic(username: string, password: string): string {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

export function bearer(token: string): string {
  return `Bearer ${token.trim()}`;
}

/** What /whoami says. */
export interface Who {
  readonly users: boolean;
  readonly user: string | null;
  readonly token?: string;
  readonly permissions: readonly string[];
  readonly tables?: {
    readonly read: readonly string[];
    readonly write: readonly string[];
  };
}

/** Whoever comes to a node without users. */
export const everybody: Who = {
  users: false,
  user: null,
  permissions: permissions.filter((permission) => permission !== "all"),
};

/** Whether somebody may do all of that. */
export function may(who: Who, ...permissions: readonly string[]): boolean {
  return permissions.every((permission) => who.permissions.includes(permission));
}

/** Whether somebody may change rows of a table: patterns are as in the file of users. */
export function mayWrite(who: Who, table: string): boolean {
  if (!may(who, "execute")) return false;
  return who.tables?.write.some((pattern) => {
    const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join("[^]*")}$`, "i").test(table);
  }) ?? true;
}
