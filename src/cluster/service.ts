import type { Admission } from "../access/admission.ts";
import type { Requester } from "../access/types.ts";
import type { Audit } from "../audit/types.ts";
import type { Seeds } from "../discovery/seeds.ts";
import type { Transfers } from "../io/transfers.ts";
import type { Clock, Logger } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { type Member, nodeName } from "../raft/types.ts";
import {
  type BackupCopy,
  type BackupOptions,
  type Command,
  plainFormat,
  type ReadRequest,
  type Statements,
  type StatementSummary,
  type Store,
  type StoreStatus,
  type UpkeepCommand,
} from "../store/types.ts";
import type { Transport } from "../transport/types.ts";
import { Announcement } from "./announcement.ts";
import { AskedBackups } from "./asked_backups.ts";
import { Copies } from "./copies.ts";
import { LeaderCalls } from "./leader_calls.ts";
import { LeaderWatch } from "./leader_watch.ts";
import { LeaderlessWarning } from "./leaderless_warning.ts";
import { ForwardedWrites } from "./forwarded_writes.ts";
import { keyedAnswer } from "./keyed_answer.ts";
import { loadDatabase, type Submit } from "./load.ts";
import { MemberReports, named } from "./member_reports.ts";
import { MemberSearch } from "./member_search.ts";
import { Membership } from "./membership.ts";
import { changeTimeoutMs, PeerRequests } from "./peer_requests.ts";
import { PromotionLog } from "./promotion_log.ts";
import { ReadPath } from "./read_path.ts";
import { Relay } from "./relay.ts";
import type { RoleTimes, Wish } from "./role_plan.ts";
import { Roles } from "./roles.ts";
import type { SqliteAgreement } from "./sqlite_agreement.ts";
import {
  type BeginRequest,
  ClusterCounts,
  type ComparisonReport,
  type CopyRepair,
  type LoadSqlRequest,
  type MadeBackup,
  type MemberFault,
  type MemberReport,
  type NodeReport,
  type ReadAnswer,
  type ReadLevelOptions,
  type Service,
  type ServiceStatus,
  type SqliteStanding,
  type TransactionCommit,
  type TransactionRequest,
  type TransactionStep,
  type VersionReport,
  type WriteAnswer,
  type WriteRequest,
} from "./types.ts";
import { Transactions } from "./transactions/transactions.ts";
import { WriteTurns } from "./transactions/write_turns.ts";
import { Upgrade } from "./upgrade.ts";
import { encodeJoin, encodeRemove, encodeStepDown } from "./member_wire.ts";
import { readAnswer, RequestKind } from "./wire.ts";
import { WishReport } from "./wish_report.ts";
import type { Tracing } from "./tracing.ts";
import { type CommandMaker, WritePath } from "./write_path.ts";

/** What a read for a backup may wait for its index, in ms. */
const backupBarrierMs = 10_000;

/** What a VACUUM of a large database may take, in ms. */
const upkeepTimeoutMs = 3_600_000;

export interface ServiceParts {
  readonly node: Node;
  readonly store: Store;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names this run of this node in request ids. */
  readonly origin: bigint;
  /** With pauses when it is long. */
  readonly encodeCommand: (command: Command) => Uint8Array | Promise<Uint8Array>;
  readonly clusterId: () => string;
  /** What this node's flags ask for it to be. */
  readonly wish: Wish;
  readonly roleTimes: RoleTimes;
  /** Where other nodes may be. */
  readonly seeds: Pick<Seeds, "addresses" | "none">;
  readonly raftAddress: string;
  readonly httpAddress: string;
  readonly dataDirectory: string;
  readonly version: string;
  readonly sqlite: SqliteAgreement;
  /** Undefined: every node may join. */
  readonly admission?: Admission | undefined;
  /** Undefined: nobody wants to know who did what. */
  readonly audit?: Audit | undefined;
  /** Shows long transfers; undefined: nobody looks. */
  readonly transfers?: Transfers | undefined;
  /** Undefined where nothing is traced. */
  readonly tracing?: Tracing | undefined;
  /** What the disk of the data has free; undefined where nobody can say. */
  readonly freeBytes?: (() => Promise<number | undefined>) | undefined;
  /** What this node finds wrong with itself; undefined: nobody looks. */
  readonly faults?: (() => Promise<readonly MemberFault[]>) | undefined;
  /** Writes sent to the leader and not yet answered. */
  readonly forwardedMax: number;
  /** Undefined: a damaged copy of the database is told of, and left as it is. */
  readonly repair?: CopyRepair | undefined;
  /** The longest that a write waits to be committed and applied, in ms, whatever its client says. */
  readonly writeTimeoutMs: number;
}

/** The database service of one node. */
export class ClusterService implements Service {
  readonly #parts: ServiceParts;
  readonly #node: Node;
  readonly #leaders: LeaderWatch;
  readonly #leaderless: LeaderlessWarning;
  readonly #announcement: Announcement;
  readonly #search: MemberSearch;
  readonly #roles: Roles;
  readonly #wish: WishReport;
  readonly #promotions: PromotionLog;
  readonly #upgrade: Upgrade;
  readonly #turns: WriteTurns;
  readonly #writes: WritePath;
  readonly #transactions: Transactions;
  readonly #calls: LeaderCalls;
  readonly #reads: ReadPath;
  readonly relay: Relay;
  /** The nodes' copies of the database, compared and replaced. */
  readonly copies: Copies;
  readonly askedBackups: AskedBackups;
  /** This node's side of the traffic between nodes. */
  readonly peers: PeerRequests;
  readonly #startedAtMs: number;
  readonly #reports: MemberReports;
  readonly #counts = new ClusterCounts();

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    this.#node = parts.node;
    this.#leaders = new LeaderWatch(parts);
    this.#leaderless = new LeaderlessWarning(parts);
    this.#announcement = new Announcement(parts);
    this.#search = new MemberSearch(parts);
    this.#promotions = new PromotionLog(parts);
    this.#turns = new WriteTurns(parts.clock);
    this.#writes = new WritePath({
      ...parts,
      turns: this.#turns,
      leaders: this.#leaders,
      encode: parts.encodeCommand,
    });
    const membership = new Membership({ ...parts, leaders: this.#leaders, counts: this.#counts });
    this.#upgrade = new Upgrade({ ...parts, membership });
    this.#roles = new Roles({ ...parts, counts: this.#counts, times: parts.roleTimes });
    this.#wish = new WishReport({ ...parts, leaders: this.#leaders });
    this.relay = new Relay(parts);
    this.copies = new Copies({ ...parts, calls: () => this.#calls });
    this.askedBackups = new AskedBackups({ ...parts, calls: () => this.#calls });
    this.peers = new PeerRequests({
      ...parts,
      roles: this.#roles,
      figures: () => this.#reports.own(),
      leaders: this.#leaders,
      forwarded: new ForwardedWrites({ ...parts, turns: this.#turns }),
      transactions: () => this.#transactions,
      relay: this.relay,
      copies: this.copies,
      askedBackups: this.askedBackups,
      counts: this.#counts,
      membership,
      upgrade: this.#upgrade,
    });
    this.#calls = new LeaderCalls(parts, this.#leaders, this.peers);
    this.#reads = new ReadPath({ ...parts, leaders: this.#leaders, calls: this.#calls });
    this.#transactions = new Transactions({
      ...parts,
      writes: this.#writes,
      calls: this.#calls,
      reads: this.#reads,
      turns: this.#turns,
    });
    this.#startedAtMs = parts.clock.wallTime();
    this.#reports = new MemberReports({ ...parts, startedAtMs: this.#startedAtMs });
  }

  /** To be called when the node's status or configuration changed. */
  changed(): void {
    this.#leaders.changed();
    this.#leaderless.changed();
    this.#announcement.changed();
    this.#search.changed();
    this.#roles.changed();
    this.#wish.changed();
    this.#promotions.changed();
    if (!this.#node.isLeader) this.#turns.clear();
    this.#upgrade.changed();
    this.copies.changed();
  }

  /**
   * Resolves when other threads of this program may read the database at the level, for requests that
   * had come; rejects with a ServiceError when that is not within that time.
   */
  async confirmRead(level: "weak" | "linearizable", timeoutMs: number): Promise<void> {
    await this.#reads.confirm(level, timeoutMs);
  }

  /** To be called when the node stops. */
  stop(): void {
    this.#transactions.stop();
    this.#leaderless.stop();
    this.#announcement.stop();
    this.#search.stop();
    this.#roles.stop();
    this.#wish.stop();
    this.copies.stop();
  }

  write(request: WriteRequest): Promise<WriteAnswer> {
    const { statements, transaction, unified, format, statementTimeoutMs, timeoutMs } = request;
    const { rights, key, withdrawal, trace } = request;
    const answer = this.#writes.submit(
      (id) => ({
        type: "execute",
        statements,
        transaction,
        unified,
        timeoutMs: statementTimeoutMs,
        request: id,
        rights,
        key,
      }),
      format,
      Math.min(timeoutMs, this.#parts.writeTimeoutMs),
      { withdrawal, trace },
    );
    return key === undefined ? answer : answer.then(keyedAnswer);
  }

  /**
   * Has all nodes know that the changes of entries up to an index are delivered. Throws a
   * ServiceError, also where not all of them would understand it.
   */
  async recordDelivered(delivered: number, timeoutMs: number): Promise<void> {
    const make: CommandMaker = (request) => ({ type: "changes_cursor", delivered, request });
    await this.#writes.submit(make, plainFormat, timeoutMs);
  }

  loadSql({ sql, format, timeoutMs, key }: LoadSqlRequest): Promise<WriteAnswer> {
    const answer = this.#writes.submit(
      (request) => ({ type: "load_sql", sql, request, key }),
      format,
      Math.min(timeoutMs, this.#parts.writeTimeoutMs),
    );
    return key === undefined ? answer : answer.then(keyedAnswer);
  }

  async begin(request: BeginRequest): Promise<string> {
    this.#reads.checkCopy();
    return await this.#transactions.begin(request);
  }

  runInTransaction(request: TransactionStep): Promise<Uint8Array> {
    return this.#transactions.run(request);
  }

  commit(request: TransactionCommit): Promise<Pick<WriteAnswer, "raftIndex" | "repeated">> {
    return this.#transactions.commit(request);
  }

  rollback(request: TransactionRequest): Promise<void> {
    return this.#transactions.rollback(request);
  }

  read(
    request: ReadRequest,
    level: ReadLevelOptions,
    signal?: () => AbortSignal,
  ): ReadAnswer | Promise<ReadAnswer> {
    return this.#reads.read(request, level, signal);
  }

  inspect(statements: Statements, rights?: string): Promise<(boolean | string)[]> {
    return this.#reads.inspect(statements, rights);
  }

  async backup(
    options: BackupOptions & { readonly noLeader: boolean },
    signal?: AbortSignal,
  ): Promise<BackupCopy> {
    this.#reads.checkCopy();
    if (!options.noLeader) await this.#reads.barrier("quorum", backupBarrierMs);
    return await this.#parts.store.backup(options, signal);
  }

  /** @param check Asked last, while nobody else writes; nothing is loaded where it rejects. */
  async load(
    file: ReadableStream<Uint8Array>,
    signal?: AbortSignal,
    totalBytes?: number,
    check?: () => Promise<void>,
  ): Promise<number> {
    const submit: Submit = (make, timeoutMs) => this.#writes.submit(make, plainFormat, timeoutMs);
    const submitLast: Submit = check === undefined
      ? submit
      : (make, timeoutMs) => this.#writes.submitAlone(make, timeoutMs, check);
    const expected = { what: "into the log", totalBytes };
    const counted = this.#parts.transfers?.counted("load", expected, file) ?? file;
    const prepared = () => this.#parts.store.loadPrepared();
    return await loadDatabase(counted, { submit, submitLast, prepared }, signal);
  }

  /** Has upkeep of the database done on all nodes; resolves once it is applied here. */
  upkeep(command: Omit<UpkeepCommand, "type" | "request">): Promise<WriteAnswer> {
    return this.#writes.submit(
      (request) => ({ ...command, type: "upkeep", request }),
      plainFormat,
      upkeepTimeoutMs,
    );
  }

  status(): ServiceStatus {
    const node = this.#node;
    const { clock } = this.#parts;
    const figures = node.figures;
    return {
      ...figures,
      progress: figures.progress.map(named),
      id: nodeName(node.id),
      raftAddress: this.#parts.raftAddress,
      httpAddress: this.#parts.httpAddress,
      clusterId: this.#parts.clusterId(),
      dataDirectory: this.#parts.dataDirectory,
      raft: { ...node.status, leader: nodeName(node.status.leader) },
      configuration: { ...node.configuration, members: node.configuration.members.map(named) },
      commitIndex: node.commitIndex,
      appliedIndex: node.appliedIndex,
      lastLogIndex: node.lastIndex,
      lastContactMs: Math.max(0, Math.min(node.lastContactMs, clock.now())),
      startedAtMs: this.#startedAtMs,
      counts: this.#counts,
      sqlite: this.#sqliteStanding(),
      comparison: this.copies.last,
    };
  }

  #sqliteStanding(): SqliteStanding {
    const { sqlite } = this.#parts;
    const ids = this.#node.configuration.members.map(({ id }) => id);
    return {
      profile: sqlite.profile,
      mismatchPermitted: sqlite.permits,
      mismatches: sqlite.mismatches(ids).map(named),
    };
  }

  storeStatus(): Promise<StoreStatus> {
    return this.#parts.store.status();
  }

  statements(): Promise<StatementSummary[]> {
    return this.#parts.store.statements();
  }

  nodes(timeoutMs: number): Promise<NodeReport[]> {
    return this.#reports.nodes(timeoutMs);
  }

  memberReports(timeoutMs: number): Promise<MemberReport[]> {
    return this.#reports.members(timeoutMs);
  }

  async freeBytes(): Promise<number | undefined> {
    return await this.#parts.freeBytes?.();
  }

  /** Has the leader, be it this node itself, know this node's present addresses. */
  async announceSelf(member: Member): Promise<void> {
    const timeoutMs = changeTimeoutMs;
    await this.#calls.leader(this.#parts.clock.now() + timeoutMs);
    const { own: sqlite } = this.#parts.sqlite;
    const call = encodeJoin({ ...member, relayed: false, timeoutMs, sqlite });
    readAnswer(await this.peers.answer(RequestKind.join, call));
  }

  leader(): Member | undefined {
    const leader = this.#leaders.leader;
    return leader && named(leader);
  }

  async sync(timeoutMs: number): Promise<void> {
    await this.#reads.barrier("quorum", timeoutMs);
  }

  async stepDown(
    name: string | undefined,
    wait: boolean,
    requester?: Requester,
  ): Promise<void> {
    const payload = encodeStepDown({ name, wait, requester });
    const deadline = this.#parts.clock.now() + changeTimeoutMs;
    await this.#calls.atLeader(RequestKind.stepDown, () => payload, deadline);
  }

  async remove(name: string, requester?: Requester): Promise<void> {
    const payload = encodeRemove({ name, requester });
    const deadline = this.#parts.clock.now() + changeTimeoutMs;
    await this.#calls.atLeader(RequestKind.remove, () => payload, deadline);
  }

  versions(): Promise<VersionReport> {
    return this.#upgrade.report();
  }

  upgrade(requester?: Requester): Promise<number> {
    return this.#upgrade.start(this.#calls, changeTimeoutMs, requester);
  }

  verify(): Promise<ComparisonReport> {
    return this.copies.verify(changeTimeoutMs);
  }

  comparison(): Promise<ComparisonReport | undefined> {
    return this.copies.report(changeTimeoutMs);
  }

  backUp(): Promise<MadeBackup | undefined> {
    return this.askedBackups.make();
  }

  snapshot(trailingLogs: number | undefined): Promise<boolean> {
    return this.#node.snapshot(trailingLogs);
  }
}
