import type { Gate } from "../access/gate.ts";
import type { Audit } from "../audit/types.ts";
import type { Tracing } from "../cluster/tracing.ts";
import type { WriteQueue } from "../cluster/write_queue.ts";
import type { ReadLevel, Service } from "../cluster/types.ts";
import { Answers } from "./answers.ts";
import type { ChangeLog } from "../changes/types.ts";
import type { BodyReader } from "./body_reader.ts";
import { FigureRecorder } from "./console/figure_recorder.ts";
import { Followers } from "./changes/followers.ts";
import { LiveQueries } from "./watch/live_queries.ts";
import { LiveFeed } from "./console/live_feed.ts";
import { BodyBudget, TurnBudget } from "./body_budget.ts";
import { HttpCounters } from "./counters.ts";
import { HranaServer } from "./hrana/server.ts";
import { RequestFigures, type RouteFigures } from "../metrics/request_figures.ts";
import { DisconnectWatch } from "./disconnect_watch.ts";
import { Profiler } from "./profiler.ts";
import type { QueryParameters } from "./query_parameters.ts";
import { RunningRequests } from "./running_requests.ts";
import type { Logger } from "../io/types.ts";
import type { AppOptions, HttpLimits, ServerInfo, TurnFigures } from "./types.ts";

/** How many bodies of the largest size may be under way at a time. */
const largestBodies = 4;

/** What all endpoints of one server share. */
export class AppState {
  readonly service: Service;
  readonly info: ServerInfo;
  readonly limits: HttpLimits;
  readonly queue: WriteQueue;
  readonly counters = new HttpCounters();
  readonly requests = new RequestFigures();
  readonly running = new RunningRequests();
  readonly recorder: FigureRecorder;
  readonly feed: LiveFeed;
  /** Undefined where no changes are kept. */
  readonly changeLog: ChangeLog | undefined;
  readonly followers: Followers | undefined;
  readonly live: LiveQueries;
  readonly tracing: Tracing | undefined;
  readonly logger: Logger;
  readonly turns: TurnFigures;
  readonly bodyReader: BodyReader;
  readonly answers: Answers;
  readonly gate: Gate | undefined;
  readonly audit: Audit | undefined;
  readonly bodies: BodyBudget;
  readonly turnBudget = new TurnBudget();
  readonly disconnects = new DisconnectWatch();
  readonly profiler = new Profiler();
  readonly hrana: HranaServer;
  readonly #nodeId: string;
  /** End of the last backup; undefined before the first. */
  lastBackupAt: Date | undefined;

  constructor(options: AppOptions) {
    this.service = options.service;
    this.info = options.info;
    this.limits = options.limits;
    const { bodyBytesMax, loadTextBytesMax } = options.limits;
    this.bodies = new BodyBudget(largestBodies * Math.max(bodyBytesMax, loadTextBytesMax));
    this.queue = options.queue;
    this.logger = options.logger;
    this.tracing = options.tracing;
    this.turns = options.turns;
    this.bodyReader = options.bodyReader;
    this.recorder = new FigureRecorder(this);
    this.feed = new LiveFeed(this);
    const { threads } = options.info;
    if (threads !== undefined) {
      this.requests.of("/db/query").elsewhere = threads.figures.map(({ durations }) => durations);
    }
    this.changeLog = options.changes;
    this.followers = options.changes && new Followers(options.changes);
    this.live = new LiveQueries(options.live, options.changes);
    const { id, httpAddress } = options.service.status();
    this.gate = options.gate;
    this.audit = options.audit;
    this.answers = new Answers(options.info, httpAddress, this.gate !== undefined);
    this.#nodeId = id;
    this.hrana = new HranaServer(this, id);
  }

  /** Counts a request of a route in; what this returns counts it out, by the status of its answer. */
  countIn(figures: RouteFigures): (status: number) => void {
    const startedAt = performance.now();
    figures.underWay++;
    this.turns.stir();
    return (status) => {
      figures.underWay--;
      figures.answered(status, (performance.now() - startedAt) / 1000);
    };
  }

  /** The leader's Raft address when requests for it are forwarded; undefined when it is this node. */
  forwardedTo(): string | undefined {
    const leader = this.service.leader();
    return leader?.id === this.#nodeId ? undefined : leader?.address;
  }

  /** Whether a read at this level is the leader's in rqlite, which `redirect` sends clients to. */
  isForLeader(level: ReadLevel): boolean {
    if (level !== "auto") return level !== "none";
    const { members } = this.service.status().configuration;
    return members.some(({ id, suffrage }) => id === this.#nodeId && suffrage === "voter");
  }

  /**
   * Where to send a client that asked to be redirected, when this node does not lead. The answer
   * names `contentType`, which rqlite has set by then, although it has no body.
   */
  redirect(
    request: Request,
    parameters: QueryParameters,
    contentType?: string,
  ): Response | undefined {
    if (!parameters.has("redirect")) return undefined;
    const leader = this.service.leader();
    if (leader?.id === this.#nodeId) return undefined;
    return this.answers.toLeader(request, leader, contentType);
  }
}
