import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { messageOf } from "../base/message_of.ts";
import { FlagError } from "./flag_error.ts";
import { typedSecret } from "./typed_secret.ts";

/** Rows of the help of a sub-command that calls nodes: who it is to them, and how it knows them. */
export const accessHelp =
  `  -u, -user NAME[:PASSWORD] Basic authentication; a password left out is asked for
      -token TOKEN          A bearer token, in place of a user
  -c, -ca-cert FILE         The certificate of whoever signed the node's, in PEM
  -d, -client-cert FILE     This client's certificate, for mutual TLS
  -k, -client-key FILE      Its key
  -i, -insecure             Take any certificate of the node (not with Deno 2.4)`;

/** What to say of the environment below them. */
export const accessVariablesHelp = `\
RAFTLITE_PASSWORD=PASSWORD is the password of a -user without one, RAFTLITE_TOKEN=TOKEN a token where
neither -user nor -token is given. Lists of processes show flags, but not these.`;

/** The flags of `accessHelp`, as parseArgs takes them. */
export const accessOptions = {
  user: { type: "string" },
  token: { type: "string" },
  "ca-cert": { type: "string" },
  "client-cert": { type: "string" },
  "client-key": { type: "string" },
  insecure: { type: "boolean", default: false },
} as const;

export const accessLongNames: readonly (readonly [short: string, long: string])[] = [
  ["u", "user"],
  ["c", "ca-cert"],
  ["d", "client-cert"],
  ["k", "client-key"],
  ["i", "insecure"],
];

/** How to make connections that are encrypted; all of it in PEM. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized: boolean;
}

/** Who a client is to a node, and how it knows the node. */
export interface ClientAccess {
  /** The header Authorization; undefined for nobody. */
  readonly authorization: string | undefined;
  readonly tls: TlsOptions;
}

/** Where secrets come from that no flag gives. */
export interface Secrets {
  variable(name: "RAFTLITE_PASSWORD" | "RAFTLITE_TOKEN"): string | undefined;
  /** Asks a person; throws a FlagError where there is none. */
  password(user: string): string;
}

/** The environment, and the person at the terminal. */
export const givenSecrets: Secrets = {
  variable: (name) => Deno.env.get(name),
  password: (user) => {
    if (!Deno.stdin.isTerminal()) {
      throw new FlagError(
        2,
        "Flag -user has no password: write it as name:password, or set RAFTLITE_PASSWORD",
      );
    }
    return new TextDecoder().decode(typedSecret(`Password of ${user}: `));
  },
};

export interface AccessValues {
  readonly user?: string | undefined;
  readonly token?: string | undefined;
  readonly "ca-cert"?: string | undefined;
  readonly "client-cert"?: string | undefined;
  readonly "client-key"?: string | undefined;
  readonly insecure: boolean;
}

/** Makes of the flags' values what they ask for; throws a FlagError, which never holds a secret. */
export function accessOf(values: AccessValues, secrets: Secrets): ClientAccess {
  // Files first: nobody should type a password to hear that one of them is not there.
  const tls = tlsOf(values);
  return { tls, authorization: authorizationOf(values, secrets) };
}

function authorizationOf({ user, token }: AccessValues, secrets: Secrets): string | undefined {
  if (user && token) throw new FlagError(2, "Flags -user and -token are not given together");
  if (user) return basic(user, secrets);
  if (token) return bearer(token, "Flag -token");
  const variable = secrets.variable("RAFTLITE_TOKEN");
  return variable ? bearer(variable, "RAFTLITE_TOKEN") : undefined;
}

function basic(user: string, secrets: Secrets): string {
  const credentials = user.includes(":")
    ? user
    : `${user}:${secrets.variable("RAFTLITE_PASSWORD") ?? secrets.password(user)}`;
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

function bearer(token: string, source: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return `Bearer ${token}`;
  throw new FlagError(2, `${source} holds spaces, line ends or other signs that no token has`);
}

function tlsOf(values: AccessValues): TlsOptions {
  const { "ca-cert": ca, "client-cert": cert, "client-key": key } = values;
  if ((cert === undefined) !== (key === undefined)) {
    throw new FlagError(2, "Flags -client-cert and -client-key are given together");
  }
  return {
    ...(ca === undefined ? {} : { ca: readPem("ca-cert", ca) }),
    ...(cert === undefined ? {} : { cert: readPem("client-cert", cert) }),
    ...(key === undefined ? {} : { key: readPem("client-key", key) }),
    rejectUnauthorized: !values.insecure,
  };
}

function readPem(flag: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new FlagError(1, `File of -${flag} cannot be read: ${messageOf(error)}`);
  }
  if (!text.includes("-----BEGIN ")) {
    throw new FlagError(1, `File of -${flag} holds nothing in PEM: ${path}`);
  }
  return text;
}
