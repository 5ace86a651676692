import { sliceBytes } from "../base/slices.ts";
import { parseSegmentName } from "../raft_log/segment_header.ts";
import { openRaftLog, type RaftLogParts } from "../raft_log/raft_log.ts";
import { freeBytes } from "../io/machine.ts";
import { nextTurnOf } from "../io/next_turn.ts";
import { useTemporaryDirectory } from "../io/temporary_directory.ts";
import type { Clock, Disk, Logger } from "../io/types.ts";
import type { CommandCodec } from "../node/types.ts";
import type { LogContents, RaftLog } from "../raft_log/types.ts";
import {
  encodeCommand,
  encodeLongCommand,
  isLongCommand,
  isScrub,
  isUnseen,
  requestIdOf,
  unknownCommand,
  versionNeeded,
} from "../store/codec/command_codec.ts";
import { stampBytes, stampCommand, writeStamp } from "../store/codec/stamp.ts";
import { commandFault } from "../store/codec/command_fault.ts";
import type { StoreOptions } from "../store/options.ts";
import { openStore } from "../store/store.ts";
import { WorkerThreads } from "../store/worker_threads.ts";
import {
  Database,
  examineExtensions,
  extensionProfile,
  type Extensions,
  findLibrary,
  type Library,
  openLibrary,
  takeProfile,
} from "../sqlite/mod.ts";
import type { Command, SqliteProfile, Store } from "../store/types.ts";
import type { TransportOptions } from "../transport/options.ts";
import { openTransport } from "../transport/transport.ts";
import type { Transport } from "../transport/types.ts";
import { letGo } from "./let_go.ts";

/** A directory for a log, and what it is used with. */
export type LogPlace = Pick<RaftLogParts, "disk" | "directory" | "clock" | "logger">;

/** Where logs are, for the caller's disk and clock. */
export interface LogOpener {
  /** Whether a log has been begun in that directory. */
  exists(disk: Disk, directory: string): Promise<boolean>;
  /** Opens the log there, or begins one. */
  open(place: LogPlace): Promise<{ log: RaftLog; contents: LogContents }>;
}

export interface OpenEngine {
  readonly store: Store;
  readonly profile: SqliteProfile;
  readonly libraryPath: string;
}

/** What every connection is to have beside what SQLite brings. */
export type ExtensionChoice = Pick<Extensions, "files" | "safe">;

export type EngineOptions = Omit<StoreOptions, "library" | "threads"> & {
  readonly extensions?: ExtensionChoice;
};

/** The state machine, and what its commands look like in the log. */
export interface Engine {
  /** Opens the store, and tells which SQLite that is. */
  open(options: EngineOptions): Promise<OpenEngine>;
  /** Makes bytes of commands: at once where they are few, else in slices between other work. */
  encoder(clock: Clock): (command: Command) => Uint8Array | Promise<Uint8Array>;
  codec(foreignKeys: boolean): CommandCodec;
}

/** How a member opens the rooms that it is made of; the simulator has its own of each. */
export interface Openers {
  readonly logs: LogOpener;
  readonly engine: Engine;
  transport(options: TransportOptions): Promise<Transport>;
}

/** What is longer would hold the main thread up: what is wrong with it is found when it is applied. */
const faultBytesMax = sliceBytes;

/** SQLite, segments on the disk, TCP. */
export const openers: Openers = {
  logs: {
    exists: async (disk, directory) =>
      (await disk.list(directory)).some((name) => parseSegmentName(name) !== undefined),
    open: openRaftLog,
  },
  engine: {
    open: openSqlite,
    encoder: (clock) => {
      const nextTurn = nextTurnOf(clock);
      return (command) =>
        isLongCommand(command) ? encodeLongCommand(command, nextTurn) : encodeCommand(command);
    },
    codec: (foreignKeys) => ({
      stamp: (command, stamp) => stampCommand(command, stamp, foreignKeys),
      stampBytes,
      writeStamp: (data, stamp) => writeStamp(data, stamp, foreignKeys),
      requestId: requestIdOf,
      fault: (command) => command.length <= faultBytesMax ? commandFault(command) : undefined,
      unknown: unknownCommand,
      versionNeeded,
      isUnseen,
      isScrub,
    }),
  },
  transport: openTransport,
};

async function openSqlite(options: EngineOptions): Promise<OpenEngine> {
  const { logger } = options;
  useTemporaryDirectory(options.directory);
  const plain = openLibrary(
    await findLibrary({
      log: (message) => logger.log("INFO", "sqlite", message),
      directory: `${options.directory}/library`,
    }),
  );
  const library = withExtensions(plain, options.extensions, logger);
  const opening = openStore({
    ...options,
    threads: new WorkerThreads(),
    library,
    freeBytes: () => freeBytes(options.directory),
  });
  // Meanwhile the writer's Worker starts, which takes longer.
  const profiling = takeProfile(plain);
  profiling.catch(() => {});
  const store = await opening;
  try {
    return {
      store,
      profile: { ...await profiling, ...extensionProfile(library.extensions) },
      libraryPath: library.path,
    };
  } catch (error) {
    await letGo(() => store.close(), logger);
    throw error;
  }
}

function withExtensions(
  plain: Library,
  { files, safe }: ExtensionChoice = { files: [], safe: [] },
  logger: Logger,
): Library {
  const open = () => new Database(":memory:", { library: plain, libraryMathematics: true });
  const extensions = examineExtensions(files, safe, open);
  if (files.length > 0) {
    const names = files.map(({ name }) => name).join(", ");
    logger.log("INFO", "sqlite", `loaded extensions: ${names}`);
  }
  return { ...plain, extensions };
}
