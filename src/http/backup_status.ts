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
    download_bytes: figures.downloadBytes,
  };
}

/** In seconds, as Go has it. */
function time(wallTime: number): string {
  return new Date(wallTime).toISOString().replace(/\.\d+Z$/, "Z");
}
