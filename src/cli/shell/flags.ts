import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { messageOf } from "../../base/message_of.ts";
import { AddressError, parseAddress } from "../../io/address.ts";
import { withTwoDashes } from "../dashes.ts";
import { DurationError, parseDuration } from "../../base/duration.ts";
import { FlagError } from "../flag_error.ts";
import { settleSwitches } from "../switches.ts";
import { isMode, modes } from "./settings.ts";
import type { Mode } from "./settings.ts";

/** What the program prints for `raftlite shell -help`. */
export const shellHelp = `Usage: raftlite shell [flags]

Runs SQL on a node, from a terminal or a pipe. A statement ends with a semicolon and may take several
lines; at a terminal an empty line ends it too. Lines that begin with a dot are commands to the shell
itself: .help lists them. If the node is lost, the shell goes on with another one of its cluster.

  -H, -host HOST            The node's address (default 127.0.0.1)
  -p, -port PORT            The node's HTTP port (default 4001)
  -s, -scheme SCHEME        http or https (default http)
  -P, -prefix PATH          What the paths of the HTTP API begin with (default /)
  -a, -alternatives LIST    More nodes, host:port[,host:port…]; others are asked for by the shell
  -u, -user NAME:PASSWORD   Basic authentication
  -c, -ca-cert FILE         The certificate of whoever signed the node's, in PEM
  -d, -client-cert FILE     This client's certificate, for mutual TLS
  -k, -client-key FILE      Its key
  -i, -insecure             Take any certificate of the node (not with Deno 2.4)
  -t, -http-timeout TIME    How long to wait for an answer (default 30s)
      -mode MODE            How results are shown: ${modes.join(", ")} (default column)
  -v, -version              Print the version

RQLITE_HOST=[scheme://]host[:port] stands for -scheme, -host and -port when none of them is given.
RAFTLITE_TOKEN=TOKEN is a bearer token, used without -user; lists of processes do not show it.
Input lines of a terminal are kept in ~/.raftlite_history: 100 of them, or RQLITE_HISTFILESIZE.
The exit code of a shell in a pipe is 1 when a statement or a command failed.

Examples:
  raftlite shell -H 10.0.0.1 -u fiona:secret
  echo 'SELECT * FROM foo' | raftlite shell -mode json
`;

const options = {
  alternatives: { type: "string", default: "" },
  scheme: { type: "string" },
  host: { type: "string" },
  port: { type: "string" },
  prefix: { type: "string", default: "/" },
  insecure: { type: "boolean", default: false },
  "ca-cert": { type: "string" },
  "client-cert": { type: "string" },
  "client-key": { type: "string" },
  user: { type: "string" },
  "http-timeout": { type: "string", default: "30s" },
  mode: { type: "string", default: "column" },
  version: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const longNames: ReadonlyMap<string, keyof typeof options> = new Map([
  ["a", "alternatives"],
  ["s", "scheme"],
  ["H", "host"],
  ["p", "port"],
  ["P", "prefix"],
  ["i", "insecure"],
  ["c", "ca-cert"],
  ["d", "client-cert"],
  ["k", "client-key"],
  ["u", "user"],
  ["t", "http-timeout"],
  ["v", "version"],
]);

/** How to make connections that are encrypted; all of it in PEM. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized: boolean;
}

/** What the command line asks of the shell. */
export interface ShellOptions {
  readonly scheme: "http" | "https";
  /** As `host:port`, the one to begin with first. */
  readonly hosts: readonly string[];
  /** Begins and ends with a slash. */
  readonly prefix: string;
  /** `name:password`, or undefined for none. */
  readonly credentials: string | undefined;
  /** A bearer token, in place of credentials. */
  readonly token: string | undefined;
  readonly tls: TlsOptions;
  /** How long to wait until an answer begins; 0 for as long as it takes. */
  readonly timeoutMs: number;
  readonly mode: Mode;
}

/** Reads the shell's command line and, unless flags name a node, `hostVariable`; throws a FlagError. */
export function parseShellFlags(
  args: readonly string[],
  hostVariable: string | undefined,
  tokenVariable: string | undefined,
): ShellOptions | "help" | "version" {
  const values = readOptions(args);
  if (values.help) return "help";
  if (values.version) return "version";
  const named = values.scheme ?? values.host ?? values.port;
  const fromVariable = named === undefined && hostVariable ? parseHostVariable(hostVariable) : {};
  const { scheme = "http", host = "127.0.0.1", port = "4001" } = { ...values, ...fromVariable };
  if (scheme !== "http" && scheme !== "https") {
    throw new FlagError(2, `Invalid value ${scheme} for flag -scheme: http or https`);
  }
  if (!isMode(values.mode)) {
    throw new FlagError(2, `Invalid value ${values.mode} for flag -mode: ${modes.join(", ")}`);
  }
  if (!isHost(host)) {
    throw new FlagError(
      2,
      `Invalid host ${
        JSON.stringify(host)
      }: -host takes a name or an address; the port goes in -port`,
    );
  }
  const others = values.alternatives.split(",").map((text) => text.trim());
  return {
    scheme,
    hosts: [
      addressOf(host, parsePort(port)),
      ...others.filter((text) => text !== "").map(checkAlternative),
    ],
    prefix: `/${values.prefix}/`.replace(/\/+/g, "/"),
    credentials: credentialsOf(values.user),
    token: values.user ? undefined : tokenOf(tokenVariable),
    tls: tlsOf(values),
    timeoutMs: parseTimeout(values["http-timeout"]),
    mode: values.mode,
  };
}

function readOptions(args: readonly string[]) {
  const long = withTwoDashes(args, (name) => optionOf(name).type === "string")
    .map((arg) => arg.replace(/^--([^=])(?==|$)/, (_, short) => `--${longNames.get(short)}`));
  const rewritten = settleSwitches(
    long,
    (name) => name !== "" && optionOf(name).type === "boolean",
  );
  try {
    return parseArgs({ args: rewritten, options }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new FlagError(2, error.message);
  }
}

function optionOf(name: string): { readonly type: "string" | "boolean" } {
  const long = longNames.get(name) ?? name;
  if (!Object.hasOwn(options, long)) {
    throw new FlagError(2, `Unknown flag -${name}`);
  }
  return options[long as keyof typeof options];
}

function parseHostVariable(text: string): { scheme?: string; host: string; port?: string } {
  const match = /^(?:([a-z]*):)?(?:\/\/)?(\[[^\]]+\]|[^:/]+)(?::(\d+))?\/?$/i.exec(
    text.includes("//") ? text : `//${text}`.replace(/^/, "http:"),
  );
  const [, scheme, host, port] = match ?? [];
  if (host === undefined || !isHost(host)) {
    throw new FlagError(1, `Invalid RQLITE_HOST ${text}: write it as [scheme://]host[:port]`);
  }
  return { host, ...(scheme ? { scheme } : {}), ...(port === undefined ? {} : { port }) };
}

/** Whether it is a name, an IPv4 address, or an IPv6 one with or without its brackets. */
function isHost(host: string): boolean {
  return !/[\s/?#@,\\]/.test(host) && URL.canParse(`http://${addressOf(host, 1)}`);
}

function addressOf(host: string, port: number): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Returns one of the -alternatives as it is; throws a FlagError unless it is host:port. */
function checkAlternative(text: string): string {
  let reason = "write it as host:port";
  try {
    const { host, port } = parseAddress(text);
    if (port > 0 && isHost(host)) return text;
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    reason = error.message;
  }
  throw new FlagError(2, `Invalid value ${JSON.stringify(text)} for flag -alternatives: ${reason}`);
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port >= 1 && port <= 65535) return port;
  throw new FlagError(2, `Invalid value ${text} for flag -port: 1 to 65535`);
}

function parseTimeout(text: string): number {
  try {
    const timeoutMs = parseDuration(text);
    if (timeoutMs >= 0) return timeoutMs;
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
  }
  throw new FlagError(2, `Invalid value ${text} for flag -http-timeout: a time such as 30s`);
}

function credentialsOf(user: string | undefined): string | undefined {
  if (user === undefined || user === "") return undefined;
  if (!user.includes(":")) throw new FlagError(2, "Flag -user is written as name:password");
  return user;
}

/** The token is never part of the error: it is a secret. */
function tokenOf(variable: string | undefined): string | undefined {
  if (variable === undefined || variable === "") return undefined;
  if (/^[\x21-\x7e]+$/.test(variable)) return variable;
  throw new FlagError(2, "RAFTLITE_TOKEN holds spaces, line ends or other signs that no token has");
}

function tlsOf(values: {
  readonly "ca-cert"?: string | undefined;
  readonly "client-cert"?: string | undefined;
  readonly "client-key"?: string | undefined;
  readonly insecure: boolean;
}): TlsOptions {
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
