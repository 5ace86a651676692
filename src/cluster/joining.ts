import type { JoinCredentials } from "../access/admission.ts";
import { pause } from "../io/pause.ts";
import type { Clock, Logger } from "../io/types.ts";
import { type Member, nodeName } from "../raft/types.ts";
import { type Transport, TransportError } from "../transport/types.ts";
import { reasonAt, reasonOf, serviceError, unauthorizedText } from "./errors.ts";
import { ServiceError } from "./types.ts";
import { encodeJoin } from "./member_wire.ts";
import { type Identification, readAnswer, readIdentification, RequestKind } from "./wire.ts";

/** The node could not become a member; says why and what to do. */
export class JoinError extends Error {
  override name = "JoinError";
}

export interface JoinOptions {
  /** How this node wants to be known. */
  readonly member: Member;
  /** Raft addresses to join through, tried in order: asked for anew in each round. */
  readonly addresses: () => Promise<readonly string[]>;
  /** Rounds over all addresses (Infinity: until it works), and the pause between two of them in ms. */
  readonly attempts: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** The cluster that the node's data belongs to; "" when it has no data. */
  readonly clusterId: string;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  /** This node's SQLite, as encodeProfile writes it. */
  readonly sqlite: Uint8Array;
  /** Of the user in whose name it joins; undefined: nobody's. */
  readonly credentials: JoinCredentials | undefined;
  /** Called with the cluster's id once the node has been let in: from then on it is spoken to. */
  readonly onCluster: (clusterId: string) => Promise<void>;
}

/** Asks the node at an address who it is. */
export async function identify(
  transport: Transport,
  address: string,
  timeoutMs: number,
): Promise<Identification> {
  const answer = await transport.request({
    address,
    kind: RequestKind.identify,
    payload: new Uint8Array(),
  }, {
    timeoutMs,
  });
  return readIdentification(readAnswer(answer));
}

/** Joins through the first address that lets this node in; throws a JoinError when none does. */
export async function joinCluster(options: JoinOptions): Promise<void> {
  const { attempts, intervalMs, clock, logger } = options;
  const failures = new Map<string, string>();
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const addresses = await options.addresses();
    failures.clear();
    for (const address of addresses) {
      try {
        await joinThrough(options, address);
        return;
      } catch (error) {
        if (error instanceof JoinError) throw error;
        if (options.clusterId === "" && isIncompatible(error)) {
          throw new JoinError(`Join refused: ${reasonOf(error)}`, { cause: error });
        }
        if (serviceError(error).kind === "invalid") {
          throw new JoinError(reasonOf(error), { cause: error });
        }
        const reason = withHint(reasonAt(address, error), options);
        failures.set(address, reason);
        logger.log(
          "WARN",
          "cluster",
          `Join failed (attempt ${attempt}${
            attempts === Infinity ? "" : ` of ${attempts}`
          }): ${reason}`,
        );
      }
    }
    if (attempt < attempts) await pause(clock, intervalMs);
  }
  const reasons = [...failures.values()].join("; ") || "nobody was found to join";
  throw new JoinError(
    `Failed to join a cluster after ${attempts} attempts (${reasons}): check that -join names the Raft addresses of running nodes`,
  );
}

/** What rqlite adds where nothing was said of who asks. */
function withHint(reason: string, { credentials }: JoinOptions): string {
  const isSaid = credentials !== undefined || !reason.includes(unauthorizedText);
  return isSaid ? reason : `${reason} (did you forget to set -join-as?)`;
}

function isIncompatible(error: unknown): boolean {
  return error instanceof TransportError && error.kind === "incompatible";
}

/** The transport of a node of another cluster refuses one that has a cluster's data. */
function refusedStranger(error: unknown, clusterId: string): unknown {
  if (!(error instanceof TransportError) || !error.message.includes("Wrong cluster")) return error;
  const hint = `this node's data is of cluster ${clusterId}; ` +
    "to join another cluster, start it with an empty data directory";
  return new TransportError("protocol", `${error.message}; ${hint}`, { cause: error });
}

async function joinThrough(options: JoinOptions, address: string): Promise<void> {
  const { member, transport, timeoutMs, clusterId } = options;
  const other = await identify(transport, address, timeoutMs).catch((error) => {
    throw clusterId === "" ? error : refusedStranger(error, clusterId);
  });
  if (other.clusterId === "") {
    throw new ServiceError("unavailable", `The node at ${address} is in no cluster yet`);
  }
  if (clusterId !== "" && clusterId !== other.clusterId) {
    throw new JoinError(
      `Join refused: this node's data is of cluster ${clusterId}, ${address} is of cluster ${other.clusterId}; to join that one, start with an empty data directory`,
    );
  }
  const { sqlite, credentials } = options;
  const call = encodeJoin({ ...member, relayed: false, timeoutMs, sqlite, credentials });
  readAnswer(
    await transport.request({ address, kind: RequestKind.join, payload: call }, { timeoutMs }),
  );
  await options.onCluster(other.clusterId);
  options.logger.log(
    "INFO",
    "cluster",
    `Joined cluster ${other.clusterId} through ${address} as ${nodeName(member.id)}`,
  );
}
