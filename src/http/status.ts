import type { WriteQueueFigures } from "../cluster/write_queue.ts";
import { withoutScheme } from "../io/address.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import type { ConnectionFigures } from "./connection_watch.ts";
import { cdcFigures, changesFigures, watchFigures } from "./changes_status.ts";
import { archiveFigures, backupFigures, restoreFigures } from "./backup_status.ts";
import { formatDuration } from "../base/duration.ts";
import type { OtlpFigures } from "../metrics/otlp/types.ts";
import { sortedGoJson } from "../base/go_json.ts";
import { laidOut } from "./indent.ts";
import { clusterTimeoutMs } from "./query_parameters.ts";
import type { AuditFigures, CertificateInForce, HttpsInfo, NodeTlsFigures } from "./types.ts";
import type { HttpThreads } from "./threads/http_threads.ts";
import { transferFigures } from "./transfer_status.ts";
import { standbyFigures } from "./standby.ts";
import { extensionFigures, type Figures, storeFigures } from "./store_status.ts";

/** /status: this node's figures, in the places where rqlite has them; `key=a.b` gives a part. */
export async function status(
  app: AppState,
  { parameters }: AdmittedRequest<"none">,
): Promise<Response> {
  const { answers } = app;
  const figures = await collect(app);
  const key = parameters.get("key") ?? "";
  if (key !== "") return answers.json(sortedGoJson(partOf(figures, key.split("."))));
  const text = sortedGoJson(figures);
  return answers.json(laidOut(text, parameters.has("pretty")));
}

/** The part under `keys`: `{}` when there is none; keys below a plain value are passed over. */
function partOf(figures: unknown, keys: readonly string[]): unknown {
  let part = figures;
  for (const key of keys) {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    part = Object.entries(part).find(([name]) => name === key)?.[1];
    if (part === undefined) return {};
  }
  return part;
}

/** All of it. */
export async function collect(app: AppState): Promise<Figures> {
  const { info, queue, service, turns, lastBackupAt } = app;
  const now = Date.now();
  const node = service.status();
  const store = await service.storeStatus();
  const { openFilesMax, fileSystem } = await info.machine();
  return {
    audit: auditFigures(info.audit?.()),
    auto_backups: info.backups && backupFigures(info.backups()),
    archive: info.archive && archiveFigures(info.archive()),
    transfers: info.transfers && transferFigures(info.transfers.figures),
    standby: info.standby && standbyFigures(info.standby.figures),
    cdc: info.cdc && cdcFigures(info.cdc()),
    changes: info.changes && changesFigures(info.changes()),
    watches: watchFigures(app.live.figures),
    otlp_metrics: otlpFigures(info.otlp?.()),
    auto_restore: info.restore && restoreFigures(info.restore()),
    build: {
      build_time: "unknown",
      commit: "unknown",
      compiler_toolchain: "deno",
      raftlite_version: info.version,
      version: info.rqliteVersion,
    },
    cluster: {
      addr: node.raftAddress,
      api_addr: withoutScheme(node.httpAddress),
      https: String(info.https !== undefined),
    },
    disco: info.discovery?.(),
    extensions: extensionFigures(store, node.dataDirectory),
    http: {
      bind_addr: info.listenAddress,
      auth: app.gate === undefined ? "disabled" : "enabled",
      cluster: {
        local_node_addr: node.raftAddress,
        timeout: formatDuration(clusterTimeoutMs),
      },
      connections: connectionFigures(info.connections?.()),
      threads: threadFigures(info.threads),
      queue: { _default: queueFigures(queue.figures) },
      tls: tlsFigures(info.https),
      allow_origin: info.allowOrigin === "" ? undefined : info.allowOrigin,
    },
    last_backup_time: lastBackupAt?.toISOString(),
    mux: { addr: node.raftAddress, ...nodeTlsFigures(info.nodeTls?.()) },
    network: { interfaces: networkInterfaces() },
    node: {
      start_time: new Date(node.startedAtMs).toISOString(),
      current_time: new Date(now).toISOString(),
      uptime: formatDuration(now - node.startedAtMs),
    },
    os: {
      pid: Deno.pid,
      ppid: Deno.ppid,
      page_size: info.settings.pageSize,
      executable: Deno.execPath(),
      hostname: Deno.hostname(),
      open_files_max: openFilesMax === Infinity ? "unlimited" : openFilesMax,
    },
    runtime: {
      GOARCH: Deno.build.arch === "x86_64" ? "amd64" : "arm64",
      GOMAXPROCS: navigator.hardwareConcurrency,
      GOOS: Deno.build.os,
      event_loop: {
        longest_turn_ms: Math.round(turns.longestMs),
        longest_turn_last_minute_ms: Math.round(turns.longestLatelyMs),
      },
      kubernetes_hint: Deno.env.has("KUBERNETES_SERVICE_HOST"),
      num_cpu: navigator.hardwareConcurrency,
      version: `deno ${Deno.version.deno}`,
    },
    store: {
      ...storeFigures(node, store, info),
      file_system: fileSystem && {
        kind: fileSystem.kind,
        free_bytes: fileSystem.freeBytes,
        total_bytes: fileSystem.totalBytes,
      },
    },
  };
}

/** Ours; undefined, and so left out, where there is no audit log. */
function auditFigures(audit: AuditFigures | undefined): Figures | undefined {
  if (audit === undefined) return undefined;
  const { target, written, lost, failure } = audit;
  return { target, lines_written: written, events_lost: lost, error: failure };
}

/** As rqlite has them; protocol and failure are ours. */
function otlpFigures(otlp: OtlpFigures | undefined): Figures | undefined {
  if (otlp === undefined) return undefined;
  return {
    endpoint: otlp.endpoint,
    protocol: otlp.protocol,
    insecure: otlp.insecure,
    interval: formatDuration(otlp.intervalMs),
    no_verify: otlp.noVerify,
    running: true,
    error: otlp.failure,
  };
}

function nodeTlsFigures(tls: NodeTlsFigures | undefined): Figures {
  if (tls === undefined) return { tls: "disabled" };
  return {
    tls: "enabled",
    accepts_plain: tls.acceptsPlain,
    certificate: certificateFigures(tls.certificate),
    verifies_clients: tls.verifiesClients,
    verifies_servers: tls.verifiesServers,
  };
}

/** As rqlite has them; when the certificate ends is ours. */
function tlsFigures(https: HttpsInfo | undefined): Figures {
  if (https === undefined) return { enabled: "false" };
  return {
    enabled: "true",
    cert_file: https.certPath,
    key_file: https.keyPath,
    ca_file: https.caPath,
    client_auth: https.verifyClient ? "RequireAndVerifyClientCert" : "NoClientCert",
    next_protos: https.verifyClient ? ["http/1.1"] : ["h2", "http/1.1"],
    certificate: certificateFigures(https.certificate()),
    reload_error: https.reloadFailure(),
  };
}

function connectionFigures(figures: ConnectionFigures | undefined): Figures | undefined {
  if (figures === undefined) return undefined;
  return { open: figures.open, max: figures.openMax, refused: figures.refused };
}

/** Of the threads beside the main one. */
function threadFigures(threads: HttpThreads | undefined): Figures | undefined {
  return threads && {
    beside: threads.figures.map(({ connections, served, written, passed }) => {
      return {
        connections,
        reads_served: served,
        writes_read: written,
        requests_passed_on: passed,
      };
    }),
    deaths: threads.deaths,
  };
}

function certificateFigures({ subject, notBefore, notAfter }: CertificateInForce): Figures {
  const [begins, ends] = [notBefore, notAfter].map((ms) => new Date(ms).toISOString());
  return { subject, begins, ends };
}

function queueFigures(figures: WriteQueueFigures): Figures {
  return {
    batch_size: figures.batchSize,
    max_size: figures.capacity,
    timeout: formatDuration(figures.timeoutMs),
    depth: figures.waitingRequests,
    sequence_number: figures.writtenSequence,
  };
}

/** By name, as rqlite has them, but for their flags, which Deno does not tell. */
function networkInterfaces(): Figures {
  const interfaces: Record<string, { hardware_address: string; addresses: Figures[] }> = {};
  for (const { name, mac, cidr } of Deno.networkInterfaces()) {
    const entry = interfaces[name] ??= { hardware_address: mac, addresses: [] };
    entry.addresses.push({ address: cidr });
  }
  return interfaces;
}
