/**
 * PRAGMAs by which a request says how its statements are to be run, on every node alike. SQLite
 * keeps them by connection; here they hold from where they stand up to the end of their request,
 * and `foreign_keys` as the only statement of its request is a setting of the cluster: it counts
 * from the next entry of the log on, before the flag of the leader that stamped the entry, until
 * it is set again.
 *
 * SQLite never sees them, as it would obey while it prepares them, be it for an EXPLAIN: the policy
 * has it pass over them, and the writer does what they say.
 */
const requestPragmas = ["foreign_keys", "defer_foreign_keys", "legacy_alter_table"] as const;

export type RequestPragmaName = typeof requestPragmas[number];

export interface RequestPragma {
  readonly name: RequestPragmaName;
  readonly on: boolean;
}

/** What the request under way has set so far; `foreign_keys` is undefined when it has not. */
export type RequestPragmas = Readonly<
  Record<Exclude<RequestPragmaName, "foreign_keys">, boolean> & {
    foreign_keys: boolean | undefined;
  }
>;

/** What outlives a statement: the cluster's setting, undefined until there is one, and the request's. */
export interface PragmaState {
  readonly foreignKeys: boolean | undefined;
  readonly request: RequestPragmas;
}

export const noRequestPragmas: RequestPragmas = {
  foreign_keys: undefined,
  defer_foreign_keys: false,
  legacy_alter_table: false,
};

export const noPragmas: PragmaState = { foreignKeys: undefined, request: noRequestPragmas };

/** The PRAGMA that gives one of them a value, or undefined. */
export function requestPragma(name: string, value: string | null): RequestPragma | undefined {
  const known = requestPragmas.find((candidate) => candidate === name);
  return known === undefined || value === null ? undefined : { name: known, on: isOn(value) };
}

/**
 * Whether SQLite takes a value for on: a word for it, or a number that begins the text and whose
 * last byte is not zero. https://www.sqlite.org/pragma.html#pragma_foreign_keys
 */
export function isOn(value: string): boolean {
  if (/^(?:on|yes|true)$/i.test(value)) return true;
  const digits = /^(?:0x0*[0-9a-f]{1,8}(?![0-9a-f])|\d+)/i.exec(value)?.[0];
  const number = digits === undefined ? 0 : Number(digits);
  return number <= 0x7fff_ffff && (number & 0xff) !== 0;
}

export function samePragmas(one: PragmaState, other: PragmaState): boolean {
  return one.foreignKeys === other.foreignKeys &&
    requestPragmas.every((name) => one.request[name] === other.request[name]);
}
