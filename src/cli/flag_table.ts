/** How a flag's text is read. */
export type FlagKind =
  | "switch"
  | "text"
  /** host:port */
  | "address"
  /** host:port, several with commas between */
  | "addresses"
  /** A Go duration; its value is in milliseconds. */
  | "duration"
  | "count"
  /** Bytes, with or without KiB, MiB, GiB. */
  | "size"
  | "level";

export interface FlagSpec {
  readonly kind: FlagKind;
  readonly group:
    | "Node"
    | "HTTP"
    | "Cluster"
    | "Node TLS"
    | "Raft"
    | "Database"
    | "Queued writes"
    | "General";
  /** As it would be written on the command line; "" for none. */
  readonly default: string;
  /** What help calls the value; "" for a switch. */
  readonly value: string;
  readonly help: string;
  /** Bounds of a count, a size in bytes or a duration in milliseconds, both inclusive. */
  readonly min?: number;
  readonly max?: number;
  /** A duration above this, in milliseconds, is cut to it with a warning. */
  readonly cutAt?: number;
}

const minute = 60_000;
const hour = 60 * minute;
/** Below what a timer of the runtime can wait for (2^31 ms). */
const longest = 576 * hour;

/** Every flag of the server, with rqlite's names and defaults where it has them. */
export const flagTable = {
  "node-id": {
    kind: "text",
    group: "Node",
    default: "",
    value: "ID",
    help:
      "Unique name of the node, kept for as long as its data lives; by default the advertised Raft address",
  },
  "http-addr": {
    kind: "address",
    group: "HTTP",
    default: "127.0.0.1:4001",
    value: "HOST:PORT",
    help: "Address that the HTTP server listens on",
  },
  "http-adv-addr": {
    kind: "address",
    group: "HTTP",
    default: "",
    value: "HOST:PORT",
    help: "Address at which clients and nodes reach it; by default -http-addr",
  },
  "http-allow-origin": {
    kind: "text",
    group: "HTTP",
    default: "",
    value: "ORIGIN",
    help: "Value of the Access-Control-Allow-Origin header, for programs in browsers",
  },
  "auth": {
    kind: "text",
    group: "HTTP",
    default: "",
    value: "FILE",
    help:
      "Ask clients who they are: a file of users and what each may do, read again when it changes",
  },
  "http-body-limit": {
    kind: "size",
    group: "HTTP",
    default: "64MiB",
    value: "SIZE",
    help:
      "Largest request body that is held in memory (a database sent to /db/load streams and is not)",
    min: 1024,
    max: 1024 ** 3,
  },
  "http-cert": {
    kind: "text",
    group: "HTTP",
    default: "",
    value: "FILE",
    help:
      "Certificate (PEM, with its chain) for HTTPS; read again when the file changes; needs -http-key",
  },
  "http-key": {
    kind: "text",
    group: "HTTP",
    default: "",
    value: "FILE",
    help: "Key (PEM, not encrypted) of -http-cert",
  },
  "http-ca-cert": {
    kind: "text",
    group: "HTTP",
    default: "",
    value: "FILE",
    help:
      "Certificates (PEM) of those who sign clients' certificates, for -http-verify-client; by default those the system trusts",
  },
  "http-verify-client": {
    kind: "switch",
    group: "HTTP",
    default: "false",
    value: "",
    help: "Let only clients in that show a certificate which -http-ca-cert signed",
  },
  "http-verify-common-name": {
    kind: "text",
    group: "HTTP",
    default: "",
    value: "NAME",
    help: "Common name (CN) that clients' certificates must have, exactly; for -http-verify-client",
  },
  "http-header-timeout": {
    kind: "duration",
    group: "HTTP",
    default: "30s",
    value: "DURATION",
    help:
      "How long a new connection may take until its first request is there, TLS included; 0s for no end",
    min: 0,
    max: longest,
  },
  "http-idle-timeout": {
    kind: "duration",
    group: "HTTP",
    default: "3m",
    value: "DURATION",
    help:
      "How long a connection may be without a request, or take nothing of its answer; 0s for no end",
    min: 0,
    max: longest,
  },
  "http-max-connections": {
    kind: "count",
    group: "HTTP",
    default: "8192",
    value: "N",
    help:
      "Most connections at a time; one more ends the one that has been idle for longest, or is refused",
    min: 1,
    max: 1_000_000,
  },
  "raft-addr": {
    kind: "address",
    group: "Cluster",
    default: "127.0.0.1:4002",
    value: "HOST:PORT",
    help: "Address that the node listens on for the other nodes",
  },
  "raft-adv-addr": {
    kind: "address",
    group: "Cluster",
    default: "",
    value: "HOST:PORT",
    help: "Address at which the other nodes reach it; by default -raft-addr",
  },
  "join": {
    kind: "addresses",
    group: "Cluster",
    default: "",
    value: "HOST:PORT,…",
    help: "Raft addresses of nodes through which to join a cluster, tried in turn",
  },
  "join-as": {
    kind: "text",
    group: "Cluster",
    default: "",
    value: "USER",
    help: "User of the -auth file in whose name the node joins, which needs the permission to join",
  },
  "join-attempts": {
    kind: "count",
    group: "Cluster",
    default: "5",
    value: "N",
    help: "How often to try all join addresses",
    min: 1,
    max: 1_000_000,
  },
  "join-interval": {
    kind: "duration",
    group: "Cluster",
    default: "3s",
    value: "DURATION",
    help: "Time between two attempts to join",
    min: 1,
    max: hour,
  },
  "bootstrap-expect": {
    kind: "count",
    group: "Cluster",
    default: "0",
    value: "N",
    help:
      "Form a new cluster once this many nodes, all started with this number, have found each other through -join; 0 for off",
    min: 0,
    max: 255,
  },
  "bootstrap-expect-timeout": {
    kind: "duration",
    group: "Cluster",
    default: "120s",
    value: "DURATION",
    help: "How long to wait for those nodes",
    min: 1,
    max: longest,
  },
  "cluster-connect-timeout": {
    kind: "duration",
    group: "Cluster",
    default: "5s",
    value: "DURATION",
    help:
      "How long to wait for a connection to another node; 5s at most, as a link is not tried again before",
    min: 1,
    max: hour,
    cutAt: 5_000,
  },
  "raft-non-voter": {
    kind: "switch",
    group: "Cluster",
    default: "false",
    value: "",
    help: "Join as a read replica: receives every write, never votes",
  },
  "allow-sqlite-mismatch": {
    kind: "switch",
    group: "Cluster",
    default: "false",
    value: "",
    help:
      "Talk with nodes whose SQLite is another or gives other results, for the time of an upgrade; else it is refused, as databases could come to differ",
  },
  "node-cert": {
    kind: "text",
    group: "Node TLS",
    default: "",
    value: "FILE",
    help:
      "Certificate for connections between nodes (PEM, with its chain): they are encrypted, and this node shows it both to nodes that call it and to those it calls",
  },
  "node-key": {
    kind: "text",
    group: "Node TLS",
    default: "",
    value: "FILE",
    help: "Its key (PEM, without a password)",
  },
  "node-ca-cert": {
    kind: "text",
    group: "Node TLS",
    default: "",
    value: "FILE",
    help:
      "Certificates of the authorities that other nodes' certificates are verified by; by default the public ones that Deno knows",
  },
  "node-no-verify": {
    kind: "switch",
    group: "Node TLS",
    default: "false",
    value: "",
    help: "Do not verify the certificates of nodes that this one calls",
  },
  "node-verify-client": {
    kind: "switch",
    group: "Node TLS",
    default: "false",
    value: "",
    help:
      "Let only those call this node that show a certificate of -node-ca-cert, made for clients (clientAuth)",
  },
  "node-verify-server-name": {
    kind: "text",
    group: "Node TLS",
    default: "",
    value: "NAME",
    help:
      "Name that the certificates of nodes must be for; by default the host of the address that is called",
  },
  "node-verify-common-name": {
    kind: "text",
    group: "Node TLS",
    default: "",
    value: "NAME",
    help: "Common name that those who call this node must have in their certificate, exactly",
  },
  "node-auto-tls": {
    kind: "text",
    group: "Node TLS",
    default: "",
    value: "FILE",
    help:
      "In place of certificates: a file with a secret (of 32 characters at least) that all nodes have; they make certificates by themselves and let in nobody else",
  },
  "node-accept-plain": {
    kind: "switch",
    group: "Node TLS",
    default: "false",
    value: "",
    help:
      "While a running cluster goes over to TLS: take nodes without TLS too, and call them without where they have none",
  },
  "raft-heartbeat-timeout": {
    kind: "duration",
    group: "Raft",
    default: "1s",
    value: "DURATION",
    help:
      "Time without a leader within which a follower asks for an election; after half of it at the soonest, and after a restart with a shorter one as late as before",
    min: 20,
    max: hour,
  },
  "raft-leader-lease-timeout": {
    kind: "duration",
    group: "Raft",
    default: "0s",
    value: "DURATION",
    help:
      "Time that a leader goes on for without its quorum; not above -raft-heartbeat-timeout; 0s for half of that",
    min: 0,
    max: hour,
  },
  "raft-apply-timeout": {
    kind: "duration",
    group: "Raft",
    default: "10s",
    value: "DURATION",
    help: "How long a write waits to be committed and applied before it is answered with an error",
    min: 1,
    max: hour,
  },
  "raft-snap": {
    kind: "count",
    group: "Raft",
    default: "8192",
    value: "N",
    help: "Log entries after which a snapshot is taken",
    min: 1,
    max: 1_000_000_000,
  },
  "raft-snap-int": {
    kind: "duration",
    group: "Raft",
    default: "10s",
    value: "DURATION",
    help: "Time between two looks at whether a snapshot is due",
    min: 10,
    max: longest,
  },
  "raft-snap-wal-size": {
    kind: "size",
    group: "Raft",
    default: "16MiB",
    value: "SIZE",
    help:
      "Size of SQLite's write-ahead log at which it is moved into the database file; 0 for the default",
    min: 0,
    max: 1024 ** 4,
  },
  "raft-shutdown-stepdown": {
    kind: "switch",
    group: "Raft",
    default: "true",
    value: "",
    help: "A leader hands over its leadership before it shuts down",
  },
  "raft-remove-shutdown": {
    kind: "switch",
    group: "Raft",
    default: "false",
    value: "",
    help: "Shut down when the node has been removed from the cluster",
  },
  "raft-cluster-remove-shutdown": {
    kind: "switch",
    group: "Raft",
    default: "false",
    value: "",
    help: "The node removes itself from the cluster when it is shut down",
  },
  "raft-log-level": {
    kind: "level",
    group: "Raft",
    default: "INFO",
    value: "LEVEL",
    help:
      "Least level that consensus (node, raft_log, transport) writes to the log: DEBUG, INFO, WARN or ERROR",
  },
  "db-max-ro-conns": {
    kind: "count",
    group: "Database",
    default: "0",
    value: "N",
    help: "Most read-only connections, which is how many reads run at once; 0 to suit the machine",
    min: 0,
    max: 1024,
  },
  "fk": {
    kind: "switch",
    group: "Database",
    default: "false",
    value: "",
    help:
      "Enforce foreign keys; for each write, on every node, what the leader was started with counts, " +
      "until PRAGMA foreign_keys alone in a request sets the cluster",
  },
  "write-queue-capacity": {
    kind: "count",
    group: "Queued writes",
    default: "1024",
    value: "N",
    help: "Requests that the queue holds",
    min: 1,
    max: 1_000_000,
  },
  "write-queue-batch-size": {
    kind: "count",
    group: "Queued writes",
    default: "128",
    value: "N",
    help: "Requests after which the queue is written",
    min: 1,
    max: 1_000_000,
  },
  "write-queue-timeout": {
    kind: "duration",
    group: "Queued writes",
    default: "50ms",
    value: "DURATION",
    help: "Time after which a queue that is not full is written",
    min: 1,
    max: hour,
  },
  "write-queue-tx": {
    kind: "switch",
    group: "Queued writes",
    default: "false",
    value: "",
    help: "Write each batch of the queue in one transaction",
  },
  "version": {
    kind: "switch",
    group: "General",
    default: "false",
    value: "",
    help: "Print the versions of raftlite, SQLite and Deno, and exit",
  },
  "help": {
    kind: "switch",
    group: "General",
    default: "false",
    value: "",
    help: "Print this page, and exit; -h does the same",
  },
} as const satisfies Record<string, FlagSpec>;

export type FlagName = keyof typeof flagTable;

/** What is known of rqlite's other flags, so that none is passed over in silence. */
export interface ForeignFlag {
  readonly takesValue: boolean;
  /** Values that ask for nothing: such a flag is accepted. */
  readonly off: readonly string[];
  /** Its value is a duration, and one of zero asks for nothing either. */
  readonly isPeriod?: boolean;
  /** "ignored": tuning that changes no answer, passed over with a warning. "refused": somebody relies on it. */
  readonly treatment: "ignored" | "refused";
}

const refusedValue: ForeignFlag = { takesValue: true, off: [""], treatment: "refused" };
const refusedPeriod: ForeignFlag = {
  takesValue: true,
  off: [""],
  isPeriod: true,
  treatment: "refused",
};
const refusedSwitch: ForeignFlag = { takesValue: false, off: ["false"], treatment: "refused" };
const ignoredValue: ForeignFlag = { takesValue: true, off: [""], treatment: "ignored" };
const ignoredSwitch: ForeignFlag = { takesValue: false, off: ["false"], treatment: "ignored" };

/** Flags of rqlite 10 that have no meaning here, or none yet. */
export const foreignFlags: ReadonlyMap<string, ForeignFlag> = new Map([
  ["auto-backup", refusedValue],
  ["auto-optimize-int", ignoredValue],
  ["auto-restore", refusedValue],
  ["auto-vacuum-int", refusedPeriod],
  ["cdc-config", refusedValue],
  ["compress-snap-transport", ignoredSwitch],
  ["cpu-profile", ignoredValue],
  ["disco-config", refusedValue],
  ["disco-key", ignoredValue],
  ["disco-mode", refusedValue],
  ["extensions-path", refusedValue],
  ["mem-profile", ignoredValue],
  ["raft-commit-timeout", ignoredValue],
  ["raft-election-timeout", ignoredValue],
  ["otlp-ca-cert", refusedValue],
  ["otlp-cert", refusedValue],
  ["otlp-endpoint", refusedValue],
  ["otlp-insecure", refusedSwitch],
  ["otlp-interval", ignoredValue],
  ["otlp-key", refusedValue],
  ["otlp-no-verify", refusedSwitch],
  ["raft-reap-node-timeout", refusedPeriod],
  ["raft-reap-read-only-node-timeout", refusedPeriod],
  ["trace-profile", ignoredValue],
]);
