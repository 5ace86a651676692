import { ClusterCounts, ServiceError } from "../../src/cluster/types.ts";
import type {
  BeginRequest,
  ComparisonReport,
  LoadSqlRequest,
  MadeBackup,
  MemberFigures,
  MemberReport,
  NodeReport,
  ReadAnswer,
  ReadLevelOptions,
  Service,
  ServiceStatus,
  TransactionStep,
  VersionReport,
  WriteAnswer,
  WriteRequest,
} from "../../src/cluster/types.ts";
import { unwatched } from "../../src/http/client.ts";
import { appOf } from "../../src/http/app.ts";
import { AppState } from "../../src/http/app_state.ts";
import { BodyReader } from "../../src/http/body_reader.ts";
import { plainStatements } from "../../src/store/codec/statement_codec.ts";
import { type AppOptions, defaultHttpLimits, type HttpLimits } from "../../src/http/types.ts";
import { defaultWriteQueueOptions, WriteQueue } from "../../src/cluster/write_queue.ts";
import { WriteStages } from "../../src/node/writes/write_stages.ts";
import { DenoClock } from "../../src/io/deno_clock.ts";
import type { Member } from "../../src/raft/types.ts";
import type {
  BackupCopy,
  BackupOptions,
  ReadRequest,
  Statements,
  StatementSummary,
  StoreStatus,
} from "../../src/store/types.ts";

const encoder = new TextEncoder();

export const memberOne: Member = {
  id: "1",
  address: "127.0.0.1:4002",
  httpAddress: "127.0.0.1:4001",
  suffrage: "voter",
};
export const memberTwo: Member = {
  id: "2",
  address: "127.0.0.1:4004",
  httpAddress: "127.0.0.1:4003",
  suffrage: "voter",
};

/** A Service that answers at once what it was told to, and keeps what it was asked. */
export class FakeService implements Service {
  readonly writes: WriteRequest[] = [];
  readonly reads: { request: ReadRequest; level: ReadLevelOptions }[] = [];
  readonly backups: (BackupOptions & { noLeader: boolean })[] = [];
  readonly loads: Uint8Array[] = [];
  readonly texts: string[] = [];
  readonly textKeys: LoadSqlRequest["key"][] = [];
  readonly begun: BeginRequest[] = [];
  readonly steps: TransactionStep[] = [];
  /** The rights that each was made with. */
  readonly inspections: (string | undefined)[] = [];
  readonly relay = {
    serve: () => {},
    ask: () => Promise.reject(new ServiceError("no_transaction", "There is no other node")),
  };
  readonly removed: string[] = [];
  readonly stepDowns: (string | undefined)[] = [];
  members: readonly Member[] = [memberOne];
  leadingId: string | undefined = "1";
  figures: MemberFigures | undefined = {
    appliedIndex: 8,
    lastLogIndex: 9,
    databaseBytes: 8192,
    logBytes: 100,
    freeBytes: 1_000_000,
    upMs: 1_000,
    health: "ok",
    wallTime: 1_000,
    faults: [],
  };
  health = "ok";
  mismatchPermitted = false;
  compared: ServiceStatus["comparison"];
  mismatches: ServiceStatus["sqlite"]["mismatches"] = [];
  results = '{"last_insert_id":1,"rows_affected":1}';
  raftIndex = 7;
  servedBy: string | undefined;
  summaries: StatementSummary[] = [];
  nothingToSnapshot = false;
  /** Thrown by every method that can fail. */
  failure: Error | undefined;
  /** Awaited by every write and read. */
  hold: Promise<void> | undefined;

  async write(request: WriteRequest): Promise<WriteAnswer> {
    this.writes.push(request);
    await this.#gate();
    const results = encoder.encode(this.results);
    return { results, raftIndex: this.raftIndex, servedBy: this.servedBy };
  }

  async read(
    request: ReadRequest,
    level: ReadLevelOptions,
    ask?: () => AbortSignal,
  ): Promise<ReadAnswer> {
    this.reads.push({ request, level });
    const signal = this.hold === undefined ? undefined : ask?.();
    if (this.hold !== undefined && signal !== undefined) {
      const aborted = Promise.withResolvers<never>();
      signal.addEventListener("abort", () => aborted.reject(signal.reason));
      await Promise.race([this.hold, aborted.promise]);
    }
    await this.#gate();
    return { results: encoder.encode(this.results), raftIndex: this.raftIndex };
  }

  /** Statements that begin with SELECT read, those that begin with BAD cannot be prepared. */
  inspect(statements: Statements, rights?: string): Promise<(boolean | string)[]> {
    this.inspections.push(rights);
    return Promise.resolve(
      plainStatements(statements).map(({ sql }) =>
        /^BAD/.test(sql) ? 'near "BAD": syntax error' : /^SELECT/i.test(sql)
      ),
    );
  }

  async backup(
    options: BackupOptions & { readonly noLeader: boolean },
  ): Promise<BackupCopy> {
    this.backups.push(options);
    await this.#gate();
    const body = ReadableStream.from([encoder.encode("SQLite "), encoder.encode("format 3")]);
    return { position: { index: 17, term: 2 }, sizeBytes: 15, body };
  }

  async begin(request: BeginRequest): Promise<string> {
    this.begun.push(request);
    await this.#gate();
    return "1.node";
  }

  async runInTransaction(step: TransactionStep): Promise<Uint8Array> {
    this.steps.push(step);
    await this.#gate();
    return encoder.encode(this.results);
  }

  async commit(): Promise<Pick<WriteAnswer, "raftIndex">> {
    await this.#gate();
    return { raftIndex: this.raftIndex };
  }

  async rollback(): Promise<void> {
    await this.#gate();
  }

  async loadSql({ sql, key }: LoadSqlRequest): Promise<WriteAnswer> {
    this.texts.push(new TextDecoder().decode(sql));
    this.textKeys.push(key);
    await this.#gate();
    return { results: this.results, raftIndex: this.raftIndex, servedBy: undefined };
  }

  async load(file: ReadableStream<Uint8Array>): Promise<number> {
    this.loads.push(
      new Uint8Array(
        await new Response(file as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
      ),
    );
    await this.#gate();
    return this.raftIndex;
  }

  status(): ServiceStatus {
    return {
      id: "1",
      raftAddress: memberOne.address,
      httpAddress: memberOne.httpAddress,
      clusterId: "c",
      dataDirectory: "/data",
      raft: {
        role: this.leadingId === "1" ? "leader" : "follower",
        term: 2,
        leader: this.leadingId ?? "",
      },
      configuration: { members: this.members },
      commitIndex: 9,
      appliedIndex: 8,
      lastLogIndex: 9,
      firstLogIndex: 1,
      logSizeBytes: 100,
      snapshotIndex: 0,
      progress: [],
      elections: { begun: 2, won: 1, leaders: 3 },
      stages: new WriteStages(new DenoClock()),
      lastContactMs: 0,
      pendingWrites: 0,
      startedAtMs: 0,
      health: this.health,
      snapshotsTaken: 3,
      snapshotsInstalled: 1,
      copiesReplaced: 0,
      damage: undefined,
      counts: new ClusterCounts(),
      sqlite: {
        profile: {
          version: "3.53.2",
          sourceId: "s",
          compileOptions: [],
          probes: [],
          extensions: [],
          safeFunctions: [],
        },
        mismatchPermitted: this.mismatchPermitted,
        mismatches: this.mismatches,
      },
      comparison: this.compared,
    };
  }

  storeStatus(): Promise<StoreStatus> {
    return Promise.resolve({
      sqliteVersion: "3.53.2",
      compileOptions: [],
      libraryPath: "/lib/libsqlite3.so",
      libraryOrigin: "system",
      extensions: {
        files: [{ name: "vec0.so", path: "/data/extensions/vec0.so", sha256: "ab".repeat(32) }],
        safe: [],
        functions: [],
      },
      databasePath: "/data/db.sqlite",
      databaseBytes: 8192,
      pageBytes: 4096,
      pages: 2,
      freePages: 0,
      walBytes: 100,
      walCheckpoints: 0,
      wrongPageReads: 3,
      applied: { index: 8, term: 2 },
      foreignKeys: false,
      pragmas: { reader: {}, writer: {} },
      statementsCached: 0,
      incrementalVacuum: false,
      upkeep: {
        vacuum: undefined,
        optimize: { since: 0, last: 3_600_000, index: 7 },
        scrub: undefined,
      },
      upkeepRuns: {
        vacuum: { ok: 0, failed: 0, totalMs: 0, lastMs: 0 },
        optimize: { ok: 2, failed: 1, totalMs: 30, lastMs: 20 },
      },
      sessions: 0,
      writerRequests: 0,
      batchesApplied: { mainThread: 0, writer: 0 },
      mainThread: { on: true, timesOff: 0 },
      readPool: { readers: 1, busy: 0, streaming: 0, queued: 0 },
    });
  }

  statements(): Promise<StatementSummary[]> {
    return Promise.resolve(this.summaries);
  }

  nodes(): Promise<NodeReport[]> {
    return Promise.resolve(this.members.map((member) => ({
      member,
      leader: member.id === this.leadingId,
      reachable: member.id !== "3",
      version: "0.1.0",
      roundTripMs: 0.5,
      error: member.id === "3" ? "connection refused" : undefined,
    })));
  }

  async memberReports(): Promise<MemberReport[]> {
    return (await this.nodes()).map((report) => ({
      ...report,
      figures: this.figures,
      clock: undefined,
    }));
  }

  freeBytes(): Promise<number | undefined> {
    return Promise.resolve(this.figures?.freeBytes);
  }

  leader(): Member | undefined {
    return this.members.find((member) => member.id === this.leadingId);
  }

  sync(): Promise<void> {
    return this.#gate();
  }

  async stepDown(id: string | undefined): Promise<void> {
    this.stepDowns.push(id);
    await this.#gate();
  }

  async remove(id: string): Promise<void> {
    this.removed.push(id);
    await this.#gate();
  }

  versions(): Promise<VersionReport> {
    const nodes = this.members.map(({ id, address }) =>
      id === "3"
        ? { id, address, newest: undefined, error: "connection refused" }
        : { id, address, newest: 2, error: undefined }
    );
    return Promise.resolve({ version: 1, newest: 2, nodes });
  }

  async upgrade(): Promise<number> {
    await this.#gate();
    return 2;
  }

  async verify(): Promise<ComparisonReport> {
    await this.#gate();
    return this.compared ?? {
      state: "running",
      startedAtMs: 0,
      finishedAtMs: undefined,
      index: 0,
      tables: 0,
      rows: 0,
      copies: [],
      findings: [],
      unread: [],
      message: "",
    };
  }

  async comparison(): Promise<ComparisonReport | undefined> {
    await this.#gate();
    return this.compared;
  }

  /** What somebody who asks for a backup gets. */
  backedUp: MadeBackup | undefined;

  async backUp(): Promise<MadeBackup | undefined> {
    await this.#gate();
    return this.backedUp;
  }

  async snapshot(): Promise<boolean> {
    await this.#gate();
    return !this.nothingToSnapshot;
  }

  async #gate(): Promise<void> {
    if (this.hold !== undefined) await this.hold;
    if (this.failure !== undefined) throw this.failure;
  }
}

/** Where nobody watches anything. */
const noStore: AppOptions["live"] = {
  applied: { index: 8, term: 2 },
  liveRead: () => Promise.reject(new Error("There is no store")),
  waitApplied: () => Promise.reject(new Error("There is no store")),
  distrusted: 0,
};

/** An app in front of `service`; `fetch` asks it without a socket. */
export function appWith(
  service: FakeService,
  limits: Partial<HttpLimits> = {},
  queueOptions = {},
  options: Partial<AppOptions> & { allowOrigin?: string } = {},
) {
  const messages: string[] = [];
  const logger = {
    log: (level: string, room: string, message: string) => {
      messages.push(`${level} ${room} ${message}`);
    },
  };
  const queue = new WriteQueue({ service, clock: new DenoClock(), logger }, {
    ...defaultWriteQueueOptions,
    timeoutMs: 1,
    ...queueOptions,
  });
  const bodyReader = new BodyReader();
  const parts: AppOptions = {
    service,
    bodyReader,
    info: {
      machine: () => Promise.resolve({ openFilesMax: 1024, fileSystem: undefined }),
      rqliteVersion: "v10.3.0",
      version: "0.1.0",
      listenAddress: "0.0.0.0:4001",
      allowOrigin: options.allowOrigin ?? "",
      licenses: () => Promise.resolve("MIT\n"),
      settings: {
        applyTimeoutMs: 10_000,
        heartbeatTimeoutMs: 1000,
        electionTimeoutMs: 500,
        snapshotIntervalMs: 10_000,
        cdc: false,
        reapTimeoutMs: 0,
        reapReadOnlyTimeoutMs: 0,
        snapshotEntries: 8192,
        trailingEntries: 10_240,
        upkeep: { vacuumMs: 0, optimizeMs: 86_400_000, vacuumMode: "full" },
        pageSize: 4096,
      },
    },
    limits: { ...defaultHttpLimits, ...limits },
    queue,
    logger,
    turns: { stir: () => {}, longestMs: 12.4, longestLatelyMs: 0 },
    live: noStore,
    ...options,
  };
  const state = new AppState(parts);
  const app = appOf(state);
  const fetch = async (path: string, init?: RequestInit) =>
    await app.fetch(new Request(`http://localhost${path}`, init), {
      ...unwatched,
      address: "192.0.2.1",
    });
  const post = (path: string, body: string, contentType = "application/json") =>
    fetch(path, { method: "POST", body, headers: { "content-type": contentType } });
  const connections = { headerMsMax: 0, idleMsMax: 0, bodyMsMax: 60_000, connectionsMax: 1_000 };
  return { app, state, parts, queue, bodyReader, logger, connections, messages, fetch, post };
}
