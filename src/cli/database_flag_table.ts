import { vacuumModes } from "../jobs/upkeep_plan.ts";
import { type FlagSpec, hour, years } from "./flag_spec.ts";

/** The flags of SQLite: its connections, extensions, upkeep, and what is logged as slow. */
export const databaseFlags = {
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
  "extensions-path": {
    kind: "text",
    group: "Database",
    default: "",
    value: "PATH,…",
    help:
      "SQLite extensions for every connection, the same on all nodes: libraries, directories of them, zip or tar.gz files",
  },
  "extensions-safe": {
    kind: "text",
    group: "Database",
    default: "",
    value: "NAME,…",
    help:
      "Functions of theirs that writes may call, and users of some tables, though they do not say that they are deterministic, or innocuous",
  },
  "auto-vacuum-int": {
    kind: "duration",
    group: "Database",
    default: "0s",
    value: "DURATION",
    help:
      "Time between two runs of VACUUM, on all nodes together, by the leader's flag; 0s for never",
    min: 0,
    max: years,
  },
  "auto-vacuum-mode": {
    kind: "text",
    group: "Database",
    default: "full",
    value: "MODE",
    words: vacuumModes,
    help:
      "What -auto-vacuum-int does: full writes the database anew each time, incremental only the first time, and then gives free pages back a few at a time between other writes",
  },
  "auto-optimize-int": {
    kind: "duration",
    group: "Database",
    default: "24h",
    value: "DURATION",
    help:
      "Time between two runs of PRAGMA optimize, on all nodes together, by the leader's flag; 0s for never",
    min: 0,
    max: years,
  },
  "scrub-interval": {
    kind: "duration",
    group: "Database",
    default: "24h",
    value: "DURATION",
    help:
      "Time between two comparisons of all nodes' copies of the database, by the leader's flag; 0s for none but those of raftlite verify",
    min: 0,
    max: years,
  },
  "page-check-interval": {
    kind: "duration",
    group: "Database",
    default: "1h",
    value: "DURATION",
    help:
      "Time between two readings of all pages of this node's database file, to compare them with what was written; 0s for none but those that are read anyway",
    min: 0,
    max: years,
  },
  "auto-repair": {
    kind: "switch",
    group: "Database",
    default: "true",
    value: "",
    help:
      "Set damaged files of this node aside and make them anew from the other nodes; without it they are told of, and left as they are",
  },
  "slow-query": {
    kind: "duration",
    group: "Database",
    default: "0s",
    value: "DURATION",
    help:
      "Log statements that took so long in SQLite, without their values, with rows and plan; 0s for none",
    min: 0,
    max: hour,
  },
  "slow-query-values": {
    kind: "switch",
    group: "Database",
    default: "false",
    value: "",
    help: "Log slow statements with the values in them: whoever reads the log then sees data",
  },
} as const satisfies Record<string, FlagSpec>;
