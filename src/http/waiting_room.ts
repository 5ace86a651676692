import { formatAddress } from "../io/address.ts";
import type { Transfers } from "../io/transfers.ts";
import type { Logger } from "../io/types.ts";
import type { ConnectionLimits } from "./connection_watch.ts";
import { sortedGoJson } from "../base/go_json.ts";
import { type HttpsOptions, listen } from "./listen.ts";
import { transferFigures } from "./transfer_status.ts";
import type { DiscoveryFigures } from "./types.ts";

/** What requests under way may take to end, in ms. */
const stopMs = 1_000;

export interface WaitingRoomOptions {
  readonly hostname: string;
  readonly port: number;
  readonly limits: ConnectionLimits;
  readonly logger: Logger;
  readonly https: HttpsOptions | undefined;
  readonly nodeId: string;
  readonly discovery: (() => DiscoveryFigures) | undefined;
  /** Where users have to say who they are, strangers are told no figures. */
  readonly hasUsers: boolean;
  readonly transfers: Transfers;
}

export interface WaitingRoom {
  close(): Promise<void>;
}

/**
 * Answers HTTP while a node has no cluster and no log yet: probes that it lives, everybody else
 * that there is no leader, as a node does that is in a cluster without one. Holds no data.
 */
export async function openWaitingRoom(options: WaitingRoomOptions): Promise<WaitingRoom> {
  const { hostname, port, limits, logger, https } = options;
  const server = await listen({
    hostname,
    port,
    limits,
    logger,
    handler: (request) => answer(request, options),
    // The server that takes its place follows the certificates.
    https: https && {
      ...https,
      certificates: { current: https.certificates.current, onChange: () => {} },
    },
    audit: undefined,
  });
  const at = formatAddress({ host: server.addr.hostname, port: server.addr.port });
  logger.log(
    "INFO",
    "http",
    `Answering on ${at} that there is no leader, while this node waits for its cluster`,
  );
  return {
    async close() {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, stopMs);
      await Promise.race([server.shutdown(), late.promise]);
      clearTimeout(timer);
    },
  };
}

function answer(request: Request, options: WaitingRoomOptions): Response {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/readyz") {
    if (searchParams.has("noleader")) return textAnswer(200, "[+]node ok");
    return textAnswer(503, "[+]node ok\n[+]leader does not exist");
  }
  if (pathname === "/status" && !options.hasUsers) {
    return new Response(sortedGoJson(figures(options)), {
      headers: { ...everyHeader, "content-type": "application/json; charset=utf-8" },
    });
  }
  return textAnswer(503, "leader not found\n");
}

/** The connection ends: the next request is for the server that takes this one's place. */
const everyHeader = { connection: "close" };

function textAnswer(status: number, text: string): Response {
  return new Response(text, {
    status,
    headers: { ...everyHeader, "content-type": "text/plain; charset=utf-8" },
  });
}

function figures({ nodeId, discovery, transfers }: WaitingRoomOptions) {
  return {
    disco: discovery?.(),
    transfers: transferFigures(transfers.figures),
    store: { leader: { addr: "", node_id: "" }, node_id: nodeId, nodes: [], ready: false },
  };
}
