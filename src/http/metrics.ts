import process from "node:process";
import type { ServiceStatus } from "../cluster/types.ts";
import { accessFamilies } from "../metrics/access_families.ts";
import { auditFamilies } from "../metrics/audit_families.ts";
import { cdcFamilies, changesFamilies, watchFamilies } from "../metrics/changes_families.ts";
import { archiveFamilies, backupFamilies } from "../metrics/backup_families.ts";
import type { Family } from "../metrics/families.ts";
import { processFamilies, type ProcessFigures } from "../metrics/process_families.ts";
import { copyFamilies } from "../metrics/copy_families.ts";
import { raftFamilies } from "../metrics/raft_families.ts";
import { requestFamilies } from "../metrics/request_figures.ts";
import { standbyFamilies } from "../metrics/standby_families.ts";
import { storeFamilies } from "../metrics/store_families.ts";
import { httpThreadFamilies } from "../metrics/thread_families.ts";
import { writeFamilies } from "../metrics/write_families.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";

/** /metrics: this node's figures for Prometheus, in its text format or, by Accept, in OpenMetrics. */
export async function metrics(
  app: AppState,
  { request }: AdmittedRequest<"none">,
): Promise<Response> {
  // Loaded when somebody asks: most nodes may never be.
  const { prometheusText } = await import("../metrics/prometheus_text.ts");
  const families = await collectFamilies(app);
  const { text, contentType } = await prometheusText(families, request.headers.get("accept"));
  return app.answers.bytes(text, contentType);
}

/** All that there is to measure. */
export async function collectFamilies(app: AppState): Promise<readonly Family[]> {
  const { service, queue, counters, gate, info } = app;
  const audit = info.audit?.();
  const node = service.status();
  const store = await service.storeStatus();
  return [
    ...processFamilies(processFigures(app, node, store.sqliteVersion)),
    ...requestFamilies(app.requests.all),
    ...(info.threads === undefined
      ? []
      : httpThreadFamilies(info.threads.figures, info.threads.deaths)),
    ...(gate === undefined
      ? []
      : accessFamilies({ ok: counters.auth_ok, failed: counters.auth_fail })),
    ...(audit === undefined
      ? []
      : auditFamilies({ ...audit, canWrite: audit.failure === undefined })),
    ...writeFamilies(node, queue),
    ...raftFamilies(node),
    ...copyFamilies(node),
    ...storeFamilies(store),
    ...(info.backups === undefined ? [] : backupFamilies(info.backups())),
    ...(info.archive === undefined ? [] : archiveFamilies(info.archive())),
    ...(info.standby === undefined ? [] : standbyFamilies(info.standby.figures)),
    ...(info.changes === undefined ? [] : changesFamilies(info.changes())),
    ...watchFamilies(app.live.figures),
    ...(info.cdc === undefined ? [] : cdcFamilies(info.cdc())),
  ];
}

function processFigures(
  { info, turns }: AppState,
  { startedAtMs }: ServiceStatus,
  sqliteVersion: string,
): ProcessFigures {
  const { https, nodeTls } = info;
  const memory = Deno.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    version: info.version,
    sqliteVersion,
    denoVersion: Deno.version.deno,
    startedAtMs,
    cpuSeconds: (user + system) / 1e6,
    residentBytes: memory.rss,
    heapUsedBytes: memory.heapUsed,
    heapTotalBytes: memory.heapTotal,
    externalBytes: memory.external,
    longestTurnMs: turns.longestMs,
    longestTurnLatelyMs: turns.longestLatelyMs,
    certificates: {
      ...(https === undefined ? {} : { http: https.certificate() }),
      ...(nodeTls === undefined ? {} : { node: nodeTls().certificate }),
    },
  };
}
