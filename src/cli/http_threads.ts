import type { CallerTeller } from "../access/caller_teller.ts";
import type { Audit } from "../audit/types.ts";
import { assert } from "../base/assert.ts";
import { whyAlone } from "../http/shared_port.ts";
import type { ConfirmedLevel } from "../http/threads/messages.ts";
import { HttpThreads } from "../http/threads/http_threads.ts";
import type { Clock, Logger } from "../io/types.ts";
import type { OpenMember } from "../member/member.ts";
import { LeasePermit } from "../node/lease_permit.ts";
import { connectionLimits } from "./http_parts.ts";
import type { Configuration } from "./flags.ts";
import { rqliteVersion } from "./version.ts";

/** How long a thread waits to be told that it may read; then the main one answers in its place, in ms. */
const confirmMs = 250;

/** What threads beside the main one need before there is a node: undefined where there are to be none. */
export interface PreparedThreads {
  readonly count: number;
  readonly permit: LeasePermit;
}

/** Whether other threads are to serve HTTP too; says it where a flag asks for what cannot be. */
export function prepareThreads(
  { http }: Configuration,
  logger: Logger,
): PreparedThreads | undefined {
  const count = http.threads - 1;
  if (count === 0) return undefined;
  const why = whyAlone({ forCertificates: http.tls?.verifyClient === true });
  if (why === undefined) return { count, permit: new LeasePermit() };
  logger.log("WARN", "http", `HTTP is served by one thread in spite of -http-threads: ${why}`);
  return undefined;
}

interface ThreadsParts {
  readonly configuration: Configuration;
  /** The node's. */
  readonly clock: Clock;
  readonly logger: Logger;
  /** Undefined where nobody wants to know who is kept out. */
  readonly audit: Audit | undefined;
  /** Undefined where nobody is asked who they are. */
  readonly callers: CallerTeller | undefined;
  /** Whether writes are traced. */
  readonly isTraced: boolean;
}

/** The threads, to be begun by the server. */
export function threadsOf(
  { count, permit }: PreparedThreads,
  { service, store }: OpenMember,
  { configuration, clock, logger, audit, callers, isTraced }: ThreadsParts,
): HttpThreads {
  const { http } = configuration;
  const { outsideReaders: readers } = store;
  assert(readers !== undefined, "No other thread can read this store");
  return new HttpThreads({
    count,
    startWorker: () => new Worker(new URL("./http_worker.ts", import.meta.url), { type: "module" }),
    readers,
    callers,
    confirm: (level: ConfirmedLevel) => service.confirmRead(level, confirmMs),
    serving: {
      limits: connectionLimits(configuration),
      bodyBytesMax: http.bodyBytesMax,
      permit: permit.memory,
      readsWrites: !isTraced,
      rqliteVersion,
      allowOrigin: http.allowOrigin,
      httpAddress: service.status().httpAddress,
    },
    clock,
    logger,
    audit,
  });
}
