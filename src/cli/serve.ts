import { ListenError, serve as serveHttp } from "../http/serve.ts";
import { DenoClock } from "../io/deno_clock.ts";
import { DenoDisk } from "../io/deno_disk.ts";
import { DenoNetwork } from "../io/deno_network.ts";
import { DirectoryLockedError, lockDirectory } from "../io/directory_lock.ts";
import { StderrLogger } from "../io/stderr_logger.ts";
import { DiskError } from "../io/types.ts";
import { JoinError } from "../cluster/joining.ts";
import { PeersFileError } from "../cluster/peers_file.ts";
import { ServiceError } from "../cluster/types.ts";
import { RecoveryError } from "../node/recovery.ts";
import { LogDamageError } from "../raft_log/types.ts";
import type { Configuration } from "./flags.ts";
import { httpParts } from "./http_parts.ts";
import { openMember, type RunningMember } from "./member.ts";
import { printError } from "./output.ts";
import { StartError } from "./start_error.ts";
import { version } from "./version.ts";

/** How long requests under way may take to end when the node stops, in ms. */
const httpStopMs = 5_000;

/** What a start can meet that is the operator's to mend: a message, not a stack trace. */
const expected = [
  DirectoryLockedError,
  DiskError,
  JoinError,
  ListenError,
  LogDamageError,
  PeersFileError,
  RecoveryError,
  ServiceError,
  StartError,
];

/** Runs a node until it is told to stop; resolves with the exit code. */
export async function serve(
  configuration: Configuration,
  warnings: readonly string[],
): Promise<number> {
  const { logLevel } = configuration.raft;
  const logger = new StderrLogger("INFO", undefined, { raft_log: logLevel, transport: logLevel });
  for (const warning of warnings) logger.log("WARN", "cli", warning);
  const end = new Ending();
  try {
    await runUntil(end, configuration, logger);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const known = expected.some((kind) => error instanceof kind);
    await logger.flush();
    printError(`fatal: ${known ? error.message : error.stack}\n`);
    return 1;
  }
  const failure = end.failure;
  await logger.flush();
  if (failure === undefined) return 0;
  printError(`fatal: ${failure.message}\n`);
  return 1;
}

async function runUntil(
  end: Ending,
  configuration: Configuration,
  logger: StderrLogger,
): Promise<void> {
  const directory = configuration.dataDirectory;
  const disk = new DenoDisk();
  await disk.makeDirectory(directory);
  const lock = await lockDirectory(directory);
  try {
    logger.log(
      "INFO",
      "cli",
      `raftlite ${version}: node ${configuration.nodeId}, data in ${directory}`,
    );
    const member = await openMember(configuration, {
      clock: new DenoClock(),
      disk,
      network: new DenoNetwork(),
      logger,
      version,
      onFatal: (error) => end.fail(error),
      onRemoved: () => {
        logger.log("WARN", "cluster", "This node was removed from its cluster");
        if (configuration.cluster.shutdownOnRemove) end.ask("removed from the cluster");
      },
    });
    try {
      await serveMember(member, end, configuration, logger);
    } finally {
      await member.stop();
      logger.log("INFO", "cli", "Stopped");
    }
  } finally {
    lock.release();
  }
}

/** Serves HTTP until the end is asked for, then lets go in order: clients first. */
async function serveMember(
  member: RunningMember,
  end: Ending,
  configuration: Configuration,
  logger: StderrLogger,
): Promise<void> {
  const { app, queue, address } = httpParts(member.service, configuration, logger);
  const server = serveHttp({ app, queue, logger, ...address });
  const stopListening = end.onSignals();
  try {
    const reason = await end.asked;
    logger.log("INFO", "cli", `Stopping: ${reason}`);
    if (configuration.cluster.removeOnShutdown && end.failure === undefined) {
      await member.service.remove(configuration.nodeId).catch((error) => {
        logger.log("WARN", "cluster", `This node could not leave its cluster: ${error.message}`);
      });
    }
  } finally {
    await server.stop(httpStopMs);
    stopListening();
  }
}

/** Why and when the program ends: a signal, a removal, or a failure. */
class Ending {
  readonly #asked = Promise.withResolvers<string>();
  #failure: Error | undefined;

  get asked(): Promise<string> {
    return this.#asked.promise;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  ask(reason: string): void {
    this.#asked.resolve(reason);
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.ask(error.message);
  }

  /** SIGINT and SIGTERM ask for the end; the same again cuts it short. Returns how to undo it. */
  onSignals(): () => void {
    const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
    let asked = false;
    const handlers = signals.map((signal) => {
      const handler = () => {
        if (asked) Deno.exit(1);
        asked = true;
        this.ask(signal);
      };
      Deno.addSignalListener(signal, handler);
      return { signal, handler };
    });
    return () => {
      for (const { signal, handler } of handlers) Deno.removeSignalListener(signal, handler);
    };
  }
}
