import { sqliteLabel } from "../../backup/archive/sqlite_label.ts";
import type { ArchivePlace } from "../../backup/archive/layout.ts";
import { type HttpServer, serve as serveHttp } from "../../http/serve.ts";
import { AwakeClock, type DenoClock } from "../../io/deno_clock.ts";
import { SystemRandom } from "../../io/system_random.ts";
import { TurnWatch } from "../../io/turn_watch.ts";
import type { Transfers } from "../../io/transfers.ts";
import type { Disk } from "../../io/types.ts";
import type { StderrLogger } from "../../io/stderr_logger.ts";
import { openers } from "../../member/openers.ts";
import { ArchiveFollower } from "../../standby/follower.ts";
import type { StandbyRecord } from "../../standby/record.ts";
import type { LiveStore } from "../../http/watch/live_queries.ts";
import { StandbyService } from "../../standby/service.ts";
import { StandbyNode } from "../../standby/standby_node.ts";
import type { OpenAudit } from "../audit.ts";
import type { Ending } from "../ending.ts";
import type { Configuration } from "../flags.ts";
import { connectionLimits, httpAddress, httpParts } from "../http_parts.ts";
import { extensionDirectory, prepareExtensions } from "../extensions.ts";
import type { OpenHttps } from "../https.ts";
import { memberConfiguration } from "../tuning.ts";
import { openCopy } from "./open_copy.ts";
import type { ServiceManager } from "../service_manager.ts";
import type { OpenUsers } from "../users.ts";

/** How long requests under way may take to end, in ms. */
const httpStopMs = 5_000;

export interface FollowParts {
  readonly place: ArchivePlace;
  readonly record: StandbyRecord;
  readonly pollMs: number;
  readonly end: Ending;
  readonly https: OpenHttps | undefined;
  readonly users: OpenUsers | undefined;
  readonly configuration: Configuration;
  readonly clock: DenoClock;
  readonly disk: Disk;
  readonly audit: OpenAudit | undefined;
  readonly manager: ServiceManager;
  readonly transfers: Transfers;
  readonly logger: StderrLogger;
}

/** Follows the archive and serves what it has; true once it is promoted, false to end before. */
export async function follow(parts: FollowParts): Promise<boolean> {
  const { end, configuration, clock, disk, manager, logger } = parts;
  const { dataDirectory: directory } = configuration;
  const extensions = await prepareExtensions(configuration.database.extensions, {
    directory: extensionDirectory(directory),
    logger,
  });
  const member = memberConfiguration(configuration, extensions);
  // A standby keeps no row changes.
  const database = { ...member.database, changesBytes: undefined };
  const copy = await openCopy({ ...member, database }, { ...parts, openers });
  const { store, profile } = copy;
  store.failed.catch(async (error) => {
    await copy.noteFailure(error);
    end.fail(error);
  });
  const { place, record, pollMs } = parts;
  const follower = new ArchiveFollower({
    ...{ place, pollMs, store, clock, logger },
    transfers: parts.transfers,
    cluster: record.cluster,
    sqliteVersion: sqliteLabel(await store.status()),
    permitsMismatch: configuration.cluster.allowSqliteMismatch,
  });
  store.onDamage((reason) => {
    if (database.repairs) {
      store.distrust();
      follower.replaceCopy(reason);
      return;
    }
    const text =
      `${reason}; -auto-repair=false leaves it so: stop the standby, and empty ${directory}`;
    logger.log("ERROR", "standby", `This copy of the database is damaged: ${text}`);
  });
  const promoted = Promise.withResolvers<true>();
  const standby = new StandbyNode({
    ...{ follower, store, directory, record, disk, clock, logger },
    random: new SystemRandom(),
    onPromoted: () => promoted.resolve(true),
  });
  const service = new StandbyService({
    ...{ follower, store, profile, clock },
    nodeId: member.nodeId,
    raftAddress: member.advertisedAddress,
    httpAddress: member.httpAddress,
    dataDirectory: directory,
  });
  try {
    const stopHttp = await serveStandby(parts, { service, standby, store });
    logger.log(
      "INFO",
      "standby",
      `Following ${place.name}, the archive of cluster ${record.cluster}, from index ${store.applied.index} on`,
    );
    follower.start();
    manager.status(`Following ${place.name}`);
    manager.ready();
    const reason = await Promise.race([end.asked, promoted.promise]);
    const what = reason === true ? "this standby was promoted" : reason;
    logger.log("INFO", "cli", `Stopping to follow: ${what}`);
    manager.status(`Stopping to follow: ${what}`);
    if (reason !== true) manager.stopping();
    await follower.stop();
    await stopHttp();
    return reason === true;
  } finally {
    await store.close();
  }
}

/** Serves HTTP; resolves with what ends it. */
async function serveStandby(
  { configuration, clock, users, https, audit, transfers, logger }: FollowParts,
  { service, standby, store }: {
    readonly service: StandbyService;
    readonly standby: StandbyNode;
    readonly store: LiveStore;
  },
): Promise<() => Promise<void>> {
  const turns = new TurnWatch(new AwakeClock(), () => standby.figures.index);
  // It has what it serves, which tells of it.
  let server: HttpServer | undefined = undefined;
  const parts = httpParts(configuration, {
    ...{ service, standby, clock, logger, turns, audit, transfers },
    connections: () => server?.connections,
    gate: users?.gate,
    nodeTls: undefined,
    discovery: undefined,
    https: https?.info,
    backups: undefined,
    archive: undefined,
    cdc: undefined,
    changes: undefined,
    live: store,
    restore: undefined,
    otlp: () => undefined,
    tracing: undefined,
  });
  server = await serveHttp({
    ...parts,
    logger,
    ...httpAddress(configuration),
    connections: connectionLimits(configuration),
    https: https?.options,
    audit: audit?.log,
  });
  const { stop } = server;
  turns.start();
  return async () => {
    turns.stop();
    parts.live.close();
    await stop(httpStopMs);
    parts.bodyReader.end();
  };
}
