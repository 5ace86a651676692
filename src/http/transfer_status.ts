import { formatDuration } from "../base/duration.ts";
import type { TransferFigures } from "../io/transfers.ts";
import type { Figures } from "./store_status.ts";

/** What /status shows under `transfers`: the long ones that are under way, the oldest first. */
export function transferFigures(transfers: readonly TransferFigures[]): Figures[] {
  return transfers.map((transfer) => ({
    kind: transfer.kind,
    what: transfer.what,
    bytes: transfer.bytes,
    total_bytes: transfer.totalBytes,
    bytes_per_second: Math.round(transfer.bytesPerSecond),
    elapsed: formatDuration(Math.round(transfer.elapsedMs)),
    left: transfer.leftMs === undefined ? undefined : formatDuration(Math.round(transfer.leftMs)),
  }));
}
