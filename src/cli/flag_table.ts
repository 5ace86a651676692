import { backupFlags } from "./backup_flag_table.ts";
import { auditFlags } from "./audit_flags.ts";
import { databaseFlags } from "./database_flag_table.ts";
import { type FlagSpec, hour, logLevels, longest } from "./flag_spec.ts";
import { httpFlags } from "./http_flag_table.ts";
import { discoveryModes } from "../discovery/open.ts";
import { otlpFlags } from "./otlp_flag_table.ts";
import { nodeTlsFlags } from "./node_tls_flag_table.ts";

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
  ...httpFlags,
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
  "disco-mode": {
    kind: "text",
    group: "Cluster",
    default: "",
    value: "MODE",
    words: discoveryModes,
    help:
      "How to find the other nodes, in place of -join: dns, dns-srv, consul-kv or etcd-kv (docs/discovery.md)",
  },
  "disco-key": {
    kind: "text",
    group: "Cluster",
    default: "rqlite",
    value: "KEY",
    help: "Key in Consul or etcd under which a cluster is found; one for each cluster",
  },
  "disco-config": {
    kind: "text",
    group: "Cluster",
    default: "",
    value: "FILE|JSON",
    help: "Settings of -disco-mode: a file, or the JSON itself; $NAME stands for the environment's",
  },
  "bootstrap-expect": {
    kind: "count",
    group: "Cluster",
    default: "0",
    value: "N",
    help:
      "Form a new cluster once this many nodes, all started with this number, have found each other through -join or DNS; 0 for off",
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
  "raft-standby": {
    kind: "switch",
    group: "Cluster",
    default: "false",
    value: "",
    help:
      "Join as a standby: receives every write, and votes while it has the place of a voter that is gone",
  },
  "raft-standby-timeout": {
    kind: "duration",
    group: "Cluster",
    default: "30s",
    value: "DURATION",
    help:
      "Time without a word from a voter after which a standby gets its place, by the leader's flag; 0s for never",
    min: 0,
    max: longest,
  },
  "raft-reap-node-timeout": {
    kind: "duration",
    group: "Cluster",
    default: "0s",
    value: "DURATION",
    help:
      "Time without a word from a voter after which the leader takes it out of the cluster; 0s for never",
    min: 0,
    max: longest,
  },
  "raft-reap-read-only-node-timeout": {
    kind: "duration",
    group: "Cluster",
    default: "0s",
    value: "DURATION",
    help: "The same for members without a vote",
    min: 0,
    max: longest,
  },
  "allow-sqlite-mismatch": {
    kind: "switch",
    group: "Cluster",
    default: "false",
    value: "",
    help:
      "Talk with nodes whose SQLite is another or gives other results, for the time of an upgrade; else it is refused, as databases could come to differ",
  },
  ...nodeTlsFlags,
  ...auditFlags,
  ...otlpFlags,
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
    words: logLevels,
    help:
      "Least level that consensus (node, raft_log, transport) writes to the log: DEBUG, INFO, WARN or ERROR",
  },
  ...databaseFlags,
  "cdc-config": {
    kind: "text",
    group: "Changes",
    default: "",
    value: "URL|FILE",
    help:
      "Send every change of a row to this URL (http, nats) as JSON, or as this file says; stdout prints them",
  },
  "changes-size": {
    kind: "size",
    group: "Changes",
    default: "0",
    value: "SIZE",
    help:
      "Keep the newest changes of rows for those who follow them, up to this size (from 1MiB); " +
      "0 for none, or 256MiB where another flag needs them",
    min: 0,
    max: 1024 ** 4,
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
  ...backupFlags,
  "config": {
    kind: "text",
    group: "General",
    default: "",
    value: "FILE",
    help:
      "Take flags from a file, too, one a line: flag = value; the environment (RAFTLITE_NODE_ID for -node-id) and then the command line count more",
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
