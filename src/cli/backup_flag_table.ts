import { type FlagSpec, hour, longest } from "./flag_spec.ts";

/** Flags of backups. */
export const backupFlags = {
  "auto-backup": {
    kind: "text",
    group: "Backups",
    default: "",
    value: "FILE",
    help:
      "Have the leader back up to S3, Google Cloud Storage or a directory at an interval, as the file says",
  },
  "auto-restore": {
    kind: "text",
    group: "Backups",
    default: "",
    value: "FILE",
    help:
      "Load the backup that the file names, or what an archive has (its directory, or such a file), into a new cluster; nodes and clusters with data pass it over",
  },
  "archive": {
    kind: "text",
    group: "Backups",
    default: "",
    value: "TARGET",
    help:
      "Archive the log, so that raftlite restore makes the database of any moment: to a directory, or where a file such as -auto-backup's says",
  },
  "archive-lag": {
    kind: "duration",
    group: "Backups",
    default: "10s",
    value: "DURATION",
    help: "How far the archive may be behind",
    min: 10,
    max: hour,
  },
  "archive-base-interval": {
    kind: "duration",
    group: "Backups",
    default: "24h",
    value: "DURATION",
    help: "Time between two copies of the whole database in the archive, from which restores begin",
    min: 1_000,
    max: longest,
  },
  "archive-keep": {
    kind: "duration",
    group: "Backups",
    default: "0s",
    value: "DURATION",
    help:
      "How long back the archive goes, at least; what is older and not needed for that is removed; 0s for all",
    min: 0,
    // No timer runs so long: it is compared with times.
    max: 100 * 366 * 24 * hour,
  },
  "archive-keep-bases": {
    kind: "count",
    group: "Backups",
    default: "0",
    value: "N",
    help:
      "How many base copies the archive keeps, at least, with what lies behind the oldest of them; 0 for all",
    min: 0,
    max: 1_000_000,
  },
} as const satisfies Record<string, FlagSpec>;
