import type { ArchiveFigures } from "../backup/archive/types.ts";
import type { AutoBackupFigures } from "../backup/types.ts";
import { byLabel, type Family, single } from "./families.ts";

/** Of -auto-backup. A node that does not lead makes none: ask for the largest over all nodes. */
export function backupFamilies(figures: AutoBackupFigures): Family[] {
  const { lastUploadTime, verification, failing } = figures;
  return [{
    name: "raftlite_backup_uploads_total",
    help: "Backups that were due, by what came of them",
    type: "counter",
    samples: byLabel("outcome", {
      stored: figures.uploadsOk,
      failed: figures.uploadsFailed,
      unchanged: figures.skippedUnchanged + figures.skippedEqual,
    }),
  }, {
    name: "raftlite_backup_upload_bytes_total",
    help: "Bytes of the backups that were stored",
    type: "counter",
    samples: single(figures.totalUploadBytes),
  }, {
    name: "raftlite_backup_last_upload_timestamp_seconds",
    help: "When this node last stored a backup",
    type: "gauge",
    samples: single(seconds(lastUploadTime)),
  }, {
    name: "raftlite_backup_failures_in_a_row",
    help: "Backups that failed since the last one that did not",
    type: "gauge",
    samples: single(failing?.times ?? 0),
  }, {
    name: "raftlite_backup_verified",
    help: "Whether the last backup that was restored to check it was sound",
    type: "gauge",
    samples: single(verification && (verification.failure === undefined ? 1 : 0)),
  }, {
    name: "raftlite_backup_last_verification_timestamp_seconds",
    help: "When a backup was last restored to check it",
    type: "gauge",
    samples: single(seconds(verification?.time)),
  }];
}

/** Of -archive. */
export function archiveFamilies(figures: ArchiveFigures): Family[] {
  const { failing, lastBaseTime } = figures;
  return [{
    name: "raftlite_archive_entries_behind",
    help: "Applied entries of the log that this node does not know to be archived",
    type: "gauge",
    samples: single(figures.entriesBehind),
  }, {
    name: "raftlite_archive_shipped_bytes_total",
    help: "Bytes of the log that this node has archived",
    type: "counter",
    samples: single(figures.bytesShipped),
  }, {
    name: "raftlite_archive_gaps_total",
    help: "Times when entries were gone from the log before they were archived",
    type: "counter",
    samples: single(figures.gaps),
  }, {
    name: "raftlite_archive_failures_in_a_row",
    help: "Tries to archive that failed since the last one that did not",
    type: "gauge",
    samples: single(failing?.times ?? 0),
  }, {
    name: "raftlite_archive_last_base_timestamp_seconds",
    help: "When the last base copy that this node knows of was made",
    type: "gauge",
    samples: single(seconds(lastBaseTime)),
  }];
}

function seconds(wallTime: number | undefined): number | undefined {
  return wallTime === undefined ? undefined : wallTime / 1000;
}
