import { PasswordFormatError } from "./hash_forms.ts";
import { Password } from "./password.ts";
import { tableRightsFault } from "./table_rights.ts";
import { type Permission, permissions, type TableRights } from "./types.ts";
import type { Token, User, Users } from "./users.ts";

/** Thrown for a file of users that cannot be used; names the entry at fault, never what is secret. */
export class UsersFileError extends Error {
  override name = "UsersFileError";
}

export interface UsersFile {
  readonly users: Users;
  /** What rqlite passes over in silence. */
  readonly warnings: readonly string[];
}

const known: ReadonlySet<string> = new Set(permissions);
const entryKeys = ["username", "password", "perms", "tables", "tokens"];

/**
 * Reads a file of users: rqlite's list of entries with `username`, `password` and `perms`, of which
 * each may also have `tables` (TableRights) and `tokens`. Keys are the same in large and small
 * letters, as for rqlite. Throws a UsersFileError.
 */
export function parseUsersFile(text: string): UsersFile {
  const entries = listIn(text);
  const warnings: string[] = [];
  const byName = new Map<string, User>();
  entries.forEach((value, index) => {
    const user = new Entry(value, index + 1, warnings).user();
    if (byName.has(user.username)) {
      warnings.push(`user ${show(user.username)} has several entries: the last one counts`);
    }
    byName.set(user.username, user);
  });
  const everybody = byName.get("*");
  byName.delete("*");
  const hashes = [...byName.values()].flatMap(({ password }) => password?.hash ?? []);
  return { users: { byName, byToken: tokensOf(byName), hashes, everybody }, warnings };
}

function listIn(text: string): readonly unknown[] {
  const body = text.startsWith("\uFEFF") ? text.slice(1) : text;
  if (body.trim() === "") throw new UsersFileError("The file of users is empty: [] permits nobody");
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // The engine's message quotes what stands there, which may be a password.
    throw new UsersFileError(`The file of users is not JSON${placeOf(body)}`);
  }
  if (!Array.isArray(value)) {
    throw new UsersFileError('The file of users is no list: it has the form [{"username": …}, …]');
  }
  return value;
}

/** The line up to which it may be read, found without quoting any of it. */
function placeOf(text: string): string {
  const lines = text.split("\n").length;
  return text.trimEnd().endsWith("]")
    ? `: look for a comma or quote in its ${lines} lines`
    : ": it does not end with ]";
}

/** One entry, with its number and name for errors. */
class Entry {
  readonly #fields = new Map<string, unknown>();
  readonly #warnings: string[];
  #name: string;

  constructor(value: unknown, number: number, warnings: string[]) {
    this.#warnings = warnings;
    this.#name = `Entry ${number} of the file of users`;
    if (!isObject(value)) throw this.#error("is no object");
    for (const [key, field] of Object.entries(value)) {
      const name = key.toLowerCase();
      if (entryKeys.includes(name)) this.#fields.set(name, field);
      else this.#warn(`has a key ${show(key)} that means nothing here`);
    }
  }

  user(): User {
    const username = this.#fields.get("username");
    if (typeof username !== "string") throw this.#error("has no username, or one that is no text");
    if (username === "") throw this.#error("has an empty username");
    this.#name += ` (${show(username)})`;
    if (username.includes(":")) {
      throw this.#error("has a colon in its username: nobody can send it");
    }
    const tokens = this.#tokens();
    return {
      username,
      password: this.#password(username, tokens),
      permissions: this.#permissions(this.#fields.get("perms"), "perms"),
      tables: this.#tables(),
      tokens,
    };
  }

  #password(username: string, tokens: readonly Token[]): Password | undefined {
    const password = this.#fields.get("password");
    if (password === undefined) {
      if (username === "*" || tokens.length > 0) return undefined;
      throw this.#error("has no password");
    }
    if (typeof password !== "string") throw this.#error("has a password that is no text");
    if (username === "*") return undefined;
    if (password === "") throw this.#error("has an empty password");
    try {
      return new Password(password);
    } catch (error) {
      if (!(error instanceof PasswordFormatError)) throw error;
      throw this.#error(`has a password hash ${error.message}`);
    }
  }

  #permissions(value: unknown, key: string): ReadonlySet<Permission> {
    if (value === undefined) throw this.#error(`has no ${key}`);
    const names = this.#texts(value, key);
    for (const name of names) {
      if (!known.has(name)) this.#warn(`has a permission ${show(name)} that there is not`);
    }
    const granted = new Set(names.filter((name): name is Permission => known.has(name)));
    // Two names of one right.
    if (granted.has("join-read-replica")) granted.add("join-read-only");
    return granted;
  }

  #tables(): TableRights | undefined {
    const value = this.#fields.get("tables");
    if (value === undefined) return undefined;
    if (!isObject(value)) throw this.#error("has tables that are no object of read and write");
    for (const key of Object.keys(value)) {
      if (key !== "read" && key !== "write") throw this.#error(`has ${show(key)} in its tables`);
    }
    const rights = {
      read: this.#texts(value["read"] ?? [], "tables.read"),
      write: this.#texts(value["write"] ?? [], "tables.write"),
    };
    const fault = tableRightsFault(rights);
    if (fault !== undefined) throw this.#error(fault);
    return rights;
  }

  #tokens(): Token[] {
    const value = this.#fields.get("tokens") ?? [];
    if (!Array.isArray(value)) throw this.#error("has tokens that are no list");
    return value.map((token, index) => this.#token(token, `tokens[${index}]`));
  }

  #token(value: unknown, at: string): Token {
    if (!isObject(value)) throw this.#error(`has ${at} that is no object`);
    const { name, hash, expires, perms, ...others } = value;
    for (const key of Object.keys(others)) throw this.#error(`has ${show(key)} in ${at}`);
    if (typeof name !== "string" || name === "") throw this.#error(`has ${at} without a name`);
    const digits = typeof hash === "string" ? /^sha256:([0-9a-f]{64})$/.exec(hash)?.[1] : undefined;
    if (digits === undefined) {
      throw this.#error(
        `has a token ${
          show(name)
        } whose hash is not "sha256:" and 64 digits, as raftlite new-token prints it`,
      );
    }
    return {
      name,
      hash: digits,
      endsAtMs: this.#end(expires, name),
      permissions: perms === undefined ? undefined : this.#permissions(perms, `${at}.perms`),
    };
  }

  #end(expires: unknown, name: string): number | undefined {
    if (expires === undefined) return undefined;
    const full = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:\d\d))?$/;
    const time = typeof expires === "string" && full.test(expires) ? Date.parse(expires) : NaN;
    if (Number.isNaN(time)) {
      throw this.#error(
        `has a token ${show(name)} that expires at no date such as "2027-01-01T00:00:00Z"`,
      );
    }
    return time;
  }

  #texts(value: unknown, key: string): readonly string[] {
    if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
      throw this.#error(`has ${key} that is no list of texts`);
    }
    return value;
  }

  #warn(text: string): void {
    this.#warnings.push(`${this.#name} ${text}`);
  }

  #error(text: string): UsersFileError {
    return new UsersFileError(`${this.#name} ${text}`);
  }
}

function tokensOf(byName: ReadonlyMap<string, User>): Users["byToken"] {
  const byToken = new Map<string, { readonly user: User; readonly token: Token }>();
  for (const user of byName.values()) {
    for (const token of user.tokens) {
      if (byToken.has(token.hash)) {
        const name = `${show(token.name)} of ${show(user.username)}`;
        throw new UsersFileError(`Token ${name} in the file of users is there twice`);
      }
      byToken.set(token.hash, { user, token });
    }
  }
  return byToken;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Names in log lines: quoted, and none longer than a line. */
function show(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
