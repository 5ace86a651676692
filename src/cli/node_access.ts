import { DurationError, parseDuration } from "../base/duration.ts";
import { AddressError, parseAddress } from "../io/address.ts";
import {
  accessHelp,
  accessLongNames,
  accessOf,
  accessOptions,
  type AccessValues,
  type ClientAccess,
  givenSecrets,
  type Secrets,
} from "./client_access.ts";
import { FlagError } from "./flag_error.ts";

/** Rows of the help of a sub-command that works with a cluster: which, and who it is to it. */
export const nodeHelp = `  -H, -host HOST            The node's address (default 127.0.0.1)
  -p, -port PORT            The node's HTTP port (default 4001)
  -s, -scheme SCHEME        http or https (default http)
  -P, -prefix PATH          What the paths of the HTTP API begin with (default /)
  -a, -alternatives LIST    More nodes, host:port[,host:port…]; others are asked for by itself
${accessHelp}
  -t, -http-timeout TIME    How long to wait for an answer (default 30s)`;

/** What to say of the environment below them, beside `accessVariablesHelp`. */
export const hostVariableHelp =
  "RQLITE_HOST=[scheme://]host[:port] stands for -scheme, -host and -port when none of them is given.";

/** The flags of `nodeHelp`, as parseArgs takes them. */
export const nodeOptions = {
  alternatives: { type: "string", default: "" },
  scheme: { type: "string" },
  host: { type: "string" },
  port: { type: "string" },
  prefix: { type: "string", default: "/" },
  ...accessOptions,
  "http-timeout": { type: "string", default: "30s" },
} as const;

export const nodeLongNames: readonly (readonly [short: string, long: string])[] = [
  ...accessLongNames,
  ["a", "alternatives"],
  ["s", "scheme"],
  ["H", "host"],
  ["p", "port"],
  ["P", "prefix"],
  ["t", "http-timeout"],
];

/** A cluster to work with. */
export interface NodeAccess extends ClientAccess {
  readonly scheme: "http" | "https";
  /** As `host:port`, the one to begin with first. */
  readonly hosts: readonly string[];
  /** Begins and ends with a slash. */
  readonly prefix: string;
  /** How long to wait until an answer begins; 0 for as long as it takes. */
  readonly timeoutMs: number;
}

interface NodeValues extends AccessValues {
  readonly alternatives: string;
  readonly scheme?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly prefix: string;
  readonly "http-timeout": string;
}

/** Makes of the flags' values, and `hostVariable` unless they name a node, what they ask for; throws a FlagError. */
export function nodeAccessOf(
  values: NodeValues,
  hostVariable: string | undefined,
  secrets: Secrets = givenSecrets,
): NodeAccess {
  const named = values.scheme ?? values.host ?? values.port;
  const fromVariable = named === undefined && hostVariable ? parseHostVariable(hostVariable) : {};
  const { scheme = "http", host = "127.0.0.1", port = "4001" } = { ...values, ...fromVariable };
  if (scheme !== "http" && scheme !== "https") {
    throw new FlagError(2, `Invalid value ${scheme} for flag -scheme: http or https`);
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
    timeoutMs: parseTimeout(values["http-timeout"]),
    ...accessOf(values, secrets),
  };
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
