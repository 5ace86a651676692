import type { FlagSpec } from "./flag_spec.ts";

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
      "Load the backup that the file names into a new cluster; nodes and clusters with data pass it over",
  },
} as const satisfies Record<string, FlagSpec>;
