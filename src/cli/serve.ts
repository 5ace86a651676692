import { ArchiveReader } from "../backup/archive/reader.ts";
import type { AutoRestore } from "../backup/auto_restore.ts";
import type { AuditOutcome } from "../audit/types.ts";
import { InvariantError } from "../base/assert.ts";
import { messageOf } from "../base/message_of.ts";
import type { ClusterService } from "../cluster/service.ts";
import type { MemberFault } from "../cluster/types.ts";
import { checkListen, type HttpServer, serve as serveHttp } from "../http/serve.ts";
import { openWaitingRoom } from "../http/waiting_room.ts";
import { openDiscovery } from "../discovery/open.ts";
import type { Discovery } from "../discovery/types.ts";
import { parseAddress } from "../io/address.ts";
import { AwakeClock, DenoClock } from "../io/deno_clock.ts";
import { DenoDisk } from "../io/deno_disk.ts";
import { freeBytes } from "../io/machine.ts";
import { StderrLogger } from "../io/stderr_logger.ts";
import { SystemRandom } from "../io/system_random.ts";
import { Transfers } from "../io/transfers.ts";
import { TurnWatch } from "../io/turn_watch.ts";
import type { ChangeDelivery } from "../cdc/delivery.ts";
import { deliveryOf, prepareCdc } from "./cdc.ts";
import { autoBackupOf, madeBackup, prepareAutoBackup, type PreparedBackup } from "./auto_backup.ts";
import { archiverOf, prepareArchive, type PreparedArchive } from "./archive.ts";
import { prepareAutoRestore, restoringNode } from "./auto_restore.ts";
import { takeDataDirectory } from "./data_directory.ts";
import { Ending } from "./ending.ts";
import { type OpenAudit, openAudit } from "./audit.ts";
import type { Configuration } from "./flags.ts";
import { extensionDirectory, prepareExtensions } from "./extensions.ts";
import { type OpenHttps, openHttps } from "./https.ts";
import { checkBothListen } from "./listen_check.ts";
import { connectionLimits, httpAddress, httpParts } from "./http_parts.ts";
import { type PreparedThreads, prepareThreads, threadsOf } from "./http_threads.ts";
import { type OpenMember, openMember } from "../member/member.ts";
import { openers } from "../member/openers.ts";
import type { OtlpPush } from "../metrics/otlp/push.ts";
import { type OpenOtlp, openOtlp } from "./otlp.ts";
import { printError } from "./output.ts";
import { keepLittleMemory } from "./kept_memory.ts";
import { MemoryTrim, ownMemory } from "./memory_trim.ts";
import { type NodeNetwork, openNodeNetwork } from "./node_network.ts";
import { type OpenUsers, openUsers } from "./users.ts";
import type { ServiceHost } from "./service_host.ts";
import { ServiceManager } from "./service_manager.ts";
import { pastStandby, type StandbyOptions } from "./standby/past_standby.ts";
import { keepFilesPrivate, warnOfOpenDirectory } from "./private_files.ts";
import { memberConfiguration } from "./tuning.ts";
import { untilOpen } from "./until_open.ts";
import { version } from "./version.ts";
import { WatchedList } from "./watched_list.ts";

/** How long requests under way may take to end when the node stops, in ms. */
const httpStopMs = 5_000;

/** What a mistake in this program throws: all else is the operator's to mend, and needs no stack. */
const mistakes = [InvariantError, RangeError, ReferenceError, TypeError];

interface ServeOptions {
  /** With it the node follows an archive first, until it is promoted. */
  readonly standby?: StandbyOptions;
  readonly host?: ServiceHost;
}

/** Runs a node until it is told to stop; resolves with the exit code. */
export async function serve(
  configuration: Configuration,
  warnings: readonly string[],
  { standby, host }: ServeOptions = {},
): Promise<number> {
  keepLittleMemory();
  const { logLevel } = configuration.raft;
  const consensus = { node: logLevel, raft_log: logLevel, transport: logLevel };
  const logger = new StderrLogger("INFO", host?.log, consensus);
  for (const warning of warnings) logger.log("WARN", "cli", warning);
  const end = new Ending();
  const clock = new DenoClock();
  const manager = ServiceManager.open(Deno.env.toObject(), { clock, logger, host });
  const audit = openAudit(configuration, { clock, logger });
  const watched = new WatchedList(audit?.log);
  const fatal = async (text: string) => {
    await logger.flush();
    if (host === undefined) return printError(`fatal: ${text}\n`);
    logger.log("ERROR", "cli", `fatal: ${text}`);
    await logger.flush();
  };
  host?.onRequests({
    stop: (what) => end.ask(what),
    reload: () => void manager.reload(() => watched.check()),
  });
  try {
    await runUntil({ end, watched, configuration, standby, clock, audit, manager, logger });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const mistake = mistakes.some((kind) => error instanceof kind);
    manager.status(error.message);
    await fatal(`${mistake ? error.stack : error.message}`);
    return 1;
  } finally {
    watched.stop();
    await audit?.log.close();
    await manager.end();
  }
  if (end.failure === undefined) {
    await logger.flush();
    return 0;
  }
  await fatal(end.failure.message);
  return 1;
}

const openRaftPort =
  "Users are asked for over HTTP only: whoever reaches the Raft port can do everything there; protect it by -node-cert or -node-auto-tls";

interface RunParts {
  readonly end: Ending;
  /** Whoever reads files that may change adds them. */
  readonly watched: WatchedList;
  readonly configuration: Configuration;
  /** Undefined for a node from the start. */
  readonly standby: StandbyOptions | undefined;
  readonly clock: DenoClock;
  readonly audit: OpenAudit | undefined;
  readonly manager: ServiceManager;
  readonly logger: StderrLogger;
}

async function runUntil(
  { end, watched, configuration, standby, clock, audit, manager, logger }: RunParts,
): Promise<void> {
  const directory = configuration.dataDirectory;
  manager.status(`Opening ${directory}`);
  const disk = new DenoDisk();
  keepFilesPrivate();
  const lock = await takeDataDirectory(disk, directory);
  end.onSignals(logger);
  watched.onSignal(logger, manager);
  if (audit !== undefined) watched.add(audit.log);
  audit?.log.record({ what: "start", outcome: "ok", details: { version } });
  logger.log(
    "INFO",
    "cli",
    `raftlite ${version}: node ${configuration.nodeId}, data in ${directory}`,
  );
  await warnOfOpenDirectory(directory, logger);
  // Before the node is anyone's member: a cluster must not be left with one that cannot serve.
  checkListen(httpAddress(configuration));
  checkBothListen(configuration);
  const nodeNetwork = await openNodeNetwork(configuration, { watched, clock, logger });
  const { tls } = configuration.http;
  const https = tls && await openHttps(tls, { watched, clock, logger });
  const users = await openUsers(configuration.http, { watched, clock, logger });
  const transfers = new Transfers(clock, logger);
  const own = { end, https, users, configuration, clock, disk, audit, manager, transfers, logger };
  if (!await pastStandby(own, standby)) {
    logger.log("INFO", "cli", "Stopped");
    return;
  }
  if (users !== undefined && configuration.nodeTls.type === "off") {
    logger.log("WARN", "cli", openRaftPort);
  }
  const discovery = configuration.discovery &&
    openDiscovery(configuration.discovery, parseAddress(configuration.raft.advertisedAddress).port);
  const backups = await prepareAutoBackup(configuration.backups.backupPath, { clock, logger });
  const archive = await prepareArchive(configuration.backups.archive, clock);
  const extensions = await prepareExtensions(configuration.database.extensions, {
    directory: extensionDirectory(directory),
    logger,
  });
  const restore = await prepareAutoRestore(configuration, {
    ...{ clock, logger, transfers, extensions },
  });
  const otlp = await openOtlp(configuration, { clock, random: new SystemRandom(), logger });
  const cdc = await prepareCdc(configuration.cdc, logger);
  const httpThreads = prepareThreads(configuration, logger);
  /** To be told who leads. */
  let delivery: ChangeDelivery | undefined;
  const faults: OwnFaultsSource = { get: undefined };
  const opening = openMember(memberConfiguration(configuration, extensions), {
    clock,
    disk,
    network: nodeNetwork.network,
    random: new SystemRandom(),
    openers,
    admission: users?.admission,
    discovery,
    audit: audit?.log,
    tracing: otlp?.tracer,
    freeBytes: () => freeBytes(directory),
    faults: () => faults.get?.() ?? Promise.resolve([]),
    transfers,
    leasePermit: httpThreads?.permit,
    logger,
    version,
    beforeBeginning: (opened) => restore?.fetch(opened) ?? Promise.resolve(),
    onFatal: (error) => end.fail(error),
    onStatus: (status) => {
      manager.raftStatus(status);
      delivery?.statusChanged();
    },
    onRemoved: () => {
      logger.log("WARN", "cluster", "This node was removed from its cluster");
      if (configuration.cluster.shutdownOnRemove) end.ask("removed from the cluster");
    },
  });
  const isForming = discovery !== undefined || configuration.cluster.bootstrapExpect > 0;
  const member = await untilOpen(opening, {
    end,
    isWaiting: isForming || restore !== undefined,
    waitingRoom: async () => {
      const room = await openWaitingRoom({
        ...httpAddress(configuration),
        limits: connectionLimits(configuration),
        logger,
        https: https?.options,
        nodeId: configuration.nodeId,
        discovery: discovery && (() => discovery.figures()),
        hasUsers: users !== undefined,
        transfers,
      });
      if (!isForming) return room;
      // Who starts one machine after the other must not wait for this one to be up before the next.
      manager.status("Waiting for the other nodes of its cluster");
      manager.ready();
      return room;
    },
  });
  if (typeof member === "string") {
    // What is half open, and the lock, end with the process: the disk bears that at any moment.
    logger.log("INFO", "cli", `Stopping before the node was up: ${member}`);
    manager.stopping();
    return;
  }
  const { changes } = member.store;
  const id = configuration.nodeId;
  if (cdc !== undefined && changes !== undefined) {
    delivery = deliveryOf(cdc, { member, changes, id }, { clock, logger });
  }
  try {
    await serveMember({
      ...own,
      ...{ member, delivery, nodeNetwork, discovery, otlp, backups, archive, restore, faults },
      httpThreads,
    });
  } finally {
    await member.stop();
    users?.end();
    logger.log("INFO", "cli", "Stopped");
    audit?.log.record({
      what: "stop",
      outcome: "ok",
      details: { reason: end.failure?.message ?? "asked to" },
    });
    lock.release();
  }
}

/** What the node finds wrong with itself; undefined until it serves. */
interface OwnFaultsSource {
  get: (() => Promise<readonly MemberFault[]>) | undefined;
}

interface ServeParts extends Omit<RunParts, "watched" | "standby"> {
  readonly member: OpenMember;
  readonly nodeNetwork: NodeNetwork;
  readonly discovery: Discovery | undefined;
  readonly https: OpenHttps | undefined;
  readonly users: OpenUsers | undefined;
  readonly otlp: OpenOtlp | undefined;
  readonly backups: PreparedBackup | undefined;
  readonly archive: PreparedArchive | undefined;
  readonly restore: AutoRestore | undefined;
  readonly delivery: ChangeDelivery | undefined;
  readonly transfers: Transfers;
  readonly faults: OwnFaultsSource;
  readonly httpThreads: PreparedThreads | undefined;
}

/** Serves HTTP until the end is asked for, then lets go in order: clients first. */
async function serveMember(own: ServeParts): Promise<void> {
  const { member, nodeNetwork, discovery, https, users, otlp, backups, archive, restore } = own;
  const { end, clock, audit, manager, configuration, logger, delivery, transfers } = own;
  const { service, store } = member;
  const backup = backups && autoBackupOf(backups, member, { clock, logger, transfers });
  if (backup !== undefined) service.askedBackups.serve(() => madeBackup(backup));
  const archiver = archive && await archiverOf(archive, member, { clock, logger, transfers });
  const isTraced = otlp !== undefined;
  const threads = own.httpThreads &&
    threadsOf(own.httpThreads, member, {
      ...{ configuration, clock, logger, isTraced },
      audit: audit?.log,
      callers: users?.callers,
    });
  const turns = new TurnWatch(new AwakeClock(), () => member.node.lastIndex);
  const memory = ownMemory(store);
  using _trim = memory && new MemoryTrim(memory, { clock, logger });
  // It has what it serves, which tells of it.
  let server: HttpServer | undefined = undefined;
  let push: OtlpPush | undefined = undefined;
  const parts = httpParts(configuration, {
    service,
    transfers,
    clock,
    logger,
    turns,
    connections: () => server?.connections,
    threads,
    gate: users?.gate,
    audit,
    nodeTls: nodeNetwork.figures,
    discovery: discovery && (() => discovery.figures()),
    https: https?.info,
    backups: backup && (() => backup.figures),
    archive: archiver && (() => archiver.figures),
    backupKeeping: backup,
    archived: archive && (async () => await (await ArchiveReader.open(archive.place)).span()),
    cdc: delivery && (() => delivery.figures),
    changes: store.changes,
    live: store,
    restore: restore && (() => restore.figures),
    otlp: () => push?.figures,
    tracing: otlp?.tracer,
  });
  own.faults.get = parts.faults;
  server = await serveHttp({
    ...parts,
    logger,
    ...httpAddress(configuration),
    connections: connectionLimits(configuration),
    https: https?.options,
    beside: threads && { threads, writes: parts.writes },
    audit: audit?.log,
  });
  manager.watchDisk(member.node);
  manager.ready();
  // While it joins the node answers already: /readyz that there is no leader, reads at none.
  member.start().catch((error) => end.fail(error));
  restore?.start(restoringNode(member));
  turns.start();
  parts.recorder.start();
  backup?.start();
  archiver?.start();
  delivery?.start();
  push = otlp?.pushing(parts.families);
  try {
    const reason = await end.asked;
    logger.log("INFO", "cli", `Stopping: ${reason}`);
    manager.stopping();
    manager.status(`Stopping: ${reason}`);
    if (configuration.cluster.removeOnShutdown && end.failure === undefined) {
      await leave(service, configuration.nodeId, { audit, logger });
    }
  } finally {
    turns.stop();
    parts.recorder.stop();
    parts.feed.close();
    parts.followers?.close();
    parts.live.close();
    await Promise.all([push?.stop(), otlp?.tracer.stop()]);
    await delivery?.stop();
    await backup?.stop();
    await archiver?.stop();
    await restore?.stop();
    await server.stop(httpStopMs);
    parts.bodyReader.end();
  }
}

/** Takes this node out of its cluster, if that can be. */
async function leave(
  service: ClusterService,
  target: string,
  { audit, logger }: Pick<RunParts, "audit" | "logger">,
): Promise<void> {
  const tell = (outcome: AuditOutcome, reason?: string) =>
    audit?.log.record({ what: "remove", outcome, details: { target, reason } });
  try {
    await service.remove(target);
    tell("ok");
  } catch (error) {
    const reason = messageOf(error);
    logger.log("WARN", "cluster", `This node could not leave its cluster: ${reason}`);
    tell("failed", reason);
  }
}
