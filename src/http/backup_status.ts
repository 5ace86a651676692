import type { ArchiveFigures } from "../backup/archive/types.ts";
import type { AutoBackupFigures, AutoRestoreFigures, Verification } from "../backup/types.ts";
import { formatDuration } from "../base/duration.ts";
import type { Figures } from "./store_status.ts";

/** What Go writes for a time that never was. */
const never = "0001-01-01T00:00:00Z";

/** What /status shows under `auto_backups`: rqlite's figures, and behind them this program's own. */
export function backupFigures(figures: AutoBackupFigures): Figures {
  const { lastUploadTime, failing, verification } = figures;
  return {
    last_index: String(figures.lastIndex),
    last_upload_duration: formatDuration(figures.lastUploadMs),
    last_upload_time: lastUploadTime === undefined ? never : time(lastUploadTime),
    upload_destination: figures.destination,
    upload_interval: formatDuration(figures.intervalMs),
    last_upload_bytes: figures.lastUploadBytes,
    num_uploads_ok: figures.uploadsOk,
    num_uploads_fail: figures.uploadsFailed,
    num_uploads_skipped: figures.skippedUnchanged,
    num_uploads_skipped_id: figures.skippedEqual,
    failing: failing && { times: failing.times, error: failing.message },
    retention_error: figures.retentionFailure,
    verification: verification && verificationFigures(verification),
  };
}

function verificationFigures({ time: at, id, key, durationMs, failure }: Verification): Figures {
  return {
    ok: failure === undefined,
    time: time(at),
    index: String(id),
    object: key,
    duration: formatDuration(durationMs),
    error: failure,
  };
}

/** What /status shows under `auto_restore`. */
export function restoreFigures(figures: AutoRestoreFigures): Figures {
  return {
    pending: figures.pending,
    num_auto_restores: figures.restored,
    num_auto_restores_failed: figures.failed,
    num_auto_restores_skipped: figures.skipped,
    num_downloads_ok: figures.downloadsOk,
    num_downloads_fail: figures.downloadsFailed,
    download_bytes: figures.downloadBytes,
  };
}

/** What /status shows under `archive`. */
export function archiveFigures(figures: ArchiveFigures): Figures {
  const { failing, lastShippedTime, lastBaseTime, trim } = figures;
  return {
    target: figures.target,
    index: figures.index,
    entries_behind: figures.entriesBehind,
    last_shipped_time: lastShippedTime === undefined ? never : time(lastShippedTime),
    last_base_index: figures.lastBaseIndex,
    last_base_time: lastBaseTime === undefined ? never : time(lastBaseTime),
    num_pieces: figures.piecesShipped,
    num_bytes: figures.bytesShipped,
    num_bases: figures.basesMade,
    num_gaps: figures.gaps,
    first_index: trim?.firstIndex,
    num_removed: trim?.objectsRemoved,
    retention_error: trim?.failing?.message,
    failing: failing && { times: failing.times, error: failing.message },
  };
}

/** In seconds, as Go has it. */
function time(wallTime: number): string {
  return new Date(wallTime).toISOString().replace(/\.\d+Z$/, "Z");
}
