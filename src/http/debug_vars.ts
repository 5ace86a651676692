import type { AutoBackupFigures } from "../backup/types.ts";
import type { CdcFigures } from "../cdc/types.ts";
import type { WriteQueueCounts } from "../cluster/write_queue.ts";
import type { StoreStatus } from "../store/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { goJson } from "../base/go_json.ts";
import { argumentWithoutSecrets } from "../base/without_secrets.ts";
import type { HttpCounters } from "./counters.ts";

/** /debug/vars: counters, in the form of Go's expvar, of any method, as there. */
export async function debugVars(
  app: AppState,
  { parameters }: AdmittedRequest<"none">,
): Promise<Response> {
  const key = parameters.get("key") ?? "";
  const lines = Object.entries(variables(app, (await app.service.storeStatus()).upkeepRuns))
    .filter(([name]) => key === "" || key === name)
    .map(([name, text]) => `"${name}": ${text}`);
  return app.answers.json(`{\n${lines.join(",\n")}\n}\n`);
}

/** With what other threads have answered by themselves. */
function countersOf({ counters, info: { threads }, gate }: AppState): HttpCounters {
  const all = { ...counters };
  for (const { served, statements } of threads?.figures ?? []) {
    all.queries += served;
    all.query_stmts_rx += statements;
    if (gate !== undefined) all.auth_ok += served;
  }
  return all;
}

/** JSON texts by rqlite's names, in order. */
function variables(
  app: AppState,
  { vacuum, optimize }: StoreStatus["upkeepRuns"],
): Record<string, string> {
  const { service, queue, counters, info } = app;
  const memory = Deno.memoryUsage();
  const { counts, snapshotsInstalled, snapshotsTaken } = service.status();
  const restore = info.restore?.();
  return {
    "cdc.service": deliveryText(info.cdc?.()),
    cluster: countsText({
      num_join_req: counts.joinRequests,
      num_remove_node_req: counts.removals,
      num_stepdown_req: counts.stepDowns,
    }),
    cmdline: goJson([Deno.execPath(), ...Deno.args].map(argumentWithoutSecrets)),
    downloader: countsText({
      download_bytes: restore?.downloadBytes ?? 0,
      num_downloads_fail: restore?.downloadsFailed ?? 0,
      num_downloads_ok: restore?.downloadsOk ?? 0,
    }),
    http: countsText({ ...countersOf(app), ...queueCounts(queue.counts) }),
    memstats: goJson({
      Alloc: memory.heapUsed,
      Sys: memory.rss,
      HeapAlloc: memory.heapUsed,
      HeapSys: memory.heapTotal,
    }),
    queue: countsText({
      objects_rx: queue.counts.statementsTaken,
      objects_tx: queue.counts.statementsWritten,
    }),
    store: countsText({
      auto_optimize_duration: Math.round(optimize.lastMs),
      auto_vacuum_duration: Math.round(vacuum.lastMs),
      num_auto_optimizes: optimize.ok,
      num_auto_optimizes_failed: optimize.failed,
      num_auto_vacuums: vacuum.ok,
      num_auto_vacuums_failed: vacuum.failed,
      num_auto_restores: restore?.restored ?? 0,
      num_auto_restores_failed: restore?.failed ?? 0,
      num_auto_restores_skipped: restore?.skipped ?? 0,
      num_ignored_joins: counts.joinsIgnored,
      num_joins: counts.joins,
      num_removed_before_joins: counts.joinsInPlace,
      nodes_reaped_ok: counts.reaped,
      nodes_reaped_failed: counts.reapsFailed,
      num_restores: snapshotsInstalled,
      // A node goes on with the database that it has.
      num_restores_start: 0,
      num_snapshots: snapshotsTaken,
      num_user_snapshots: counters.user_snapshots,
    }),
    uploader: uploaderText(info.backups?.()),
  };
}

/** What rqlite calls an event here is a message to the endpoint. */
function deliveryText(delivery: CdcFigures | undefined): string {
  const { messagesSent = 0, failures = 0, abandoned = 0 } = delivery ?? {};
  return countsText({
    dropped_failed_to_send: abandoned,
    num_events_tx_failed: failures,
    num_events_tx_ok: messagesSent,
    retries: failures - abandoned,
  });
}

function uploaderText(backups: AutoBackupFigures | undefined): string {
  return countsText({
    last_upload_bytes: backups?.lastUploadBytes ?? 0,
    num_sum_get_fail: backups?.looksFailed ?? 0,
    num_uploads_fail: backups?.uploadsFailed ?? 0,
    num_uploads_ok: backups?.uploadsOk ?? 0,
    num_uploads_skipped: backups?.skippedUnchanged ?? 0,
    num_uploads_skipped_id: backups?.skippedEqual ?? 0,
    total_upload_bytes: backups?.totalUploadBytes ?? 0,
  });
}

function queueCounts(counts: WriteQueueCounts): Record<string, number> {
  return {
    queued_executions_failed: counts.failures,
    // Whoever leads, a batch finds its way there by itself.
    queued_executions_leadership_lost: 0,
    queued_executions_no_leader: counts.failuresNoLeader,
    queued_executions_not_leader: 0,
    queued_executions_num_stmts_rx: counts.statementsTaken,
    queued_executions_num_stmts_tx: counts.statementsWritten,
    queued_executions_ok: counts.batchesWritten,
    queued_executions_unknown_error: counts.failuresOther,
  };
}

/** As Go's expvar writes a map: sorted, with spaces. */
function countsText(counts: object): string {
  const members = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, count]) => `"${name}": ${count}`).join(", ")}}`;
}
