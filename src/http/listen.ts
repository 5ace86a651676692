import type { Audit } from "../audit/types.ts";
import type { Logger } from "../io/types.ts";
import type { TlsCredentials } from "../tls/credentials.ts";
import type { KeyPair } from "../tls/key_pair.ts";
import type { ConnectionCount } from "./connection_count.ts";
import type { ConnectionTable } from "./connection_table.ts";
import type { ConnectionLimits } from "./connection_watch.ts";
import { CertificateExchange, type OtherListeners } from "./certificate_exchange.ts";
import { exchangeInPlace } from "./exchange_in_place.ts";
import { Front } from "./front.ts";
import { exchangeListeners } from "./listener_exchange.ts";
import type { Listening } from "./listening.ts";
import { type ClientHandler, nativeServer } from "./native_server.ts";
import { PlainOnTls } from "./plain_on_tls.ts";
import { listenPlain, listenTls } from "./listener.ts";
import { sharesPorts } from "./shared_port.ts";
import { type ClientCertificates, NodeListener } from "./node_listener.ts";

/** Certificates that may be exchanged while the server runs: WatchedFiles of io. */
export interface CertificateSource {
  readonly current: TlsCredentials;
  onChange(listener: (certificates: TlsCredentials) => void): void;
}

export interface HttpsOptions {
  readonly certificates: CertificateSource;
  readonly clients: ClientCertificates | undefined;
}

export interface ListenOptions {
  readonly hostname: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly handler: ClientHandler;
  readonly limits: ConnectionLimits;
  readonly logger: Logger;
  readonly https: HttpsOptions | undefined;
  readonly audit: Audit | undefined;
  /** Other threads that listen here; undefined for this one alone. */
  readonly beside?: Beside | undefined;
}

export interface Beside extends OtherListeners {
  /** Of all threads. */
  readonly connections: ConnectionCount;
  readonly table: ConnectionTable;
}

/**
 * Listens by Deno's own server where it can do what is asked, by Node's where clients are asked for
 * certificates, and where this Deno's server cannot be told to end idle connections. Rejects with
 * what the system says when the address cannot be listened on.
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { https } = options;
  const native = https?.clients === undefined ? nativeServer() : undefined;
  if (native === undefined) return await listenByNode(options);
  const { hostname, port, handler, limits, beside, logger } = options;
  const isShared = https === undefined ? beside !== undefined : sharesPorts;
  if (isShared) requireFree(options);
  const parts = { native, handler, limits, count: beside?.connections };
  if (https === undefined) return new Front(listenPlain({ hostname, port, isShared }), parts);
  const { certificates } = https;
  const listener = listenTls({ hostname, port, isShared }, certificates.current);
  const front = new Front(listener, { ...parts, plainOnTls: PlainOnTls.open(beside?.table) });
  const at = { hostname, port: front.addr.port, isShared };
  const exchanged = { front, others: beside, listen: (shown: KeyPair) => listenTls(at, shown) };
  const exchange = new CertificateExchange((next) => exchangeListeners(exchanged, next), logger);
  certificates.onChange((next) => exchange.use(next));
  return front;
}

async function listenByNode({ https, beside, ...options }: ListenOptions): Promise<NodeListener> {
  const certificates = https?.certificates;
  const isShared = beside !== undefined;
  if (isShared) requireFree(options);
  const listener = await NodeListener.listen({
    ...options,
    isShared,
    certificates: certificates?.current,
    clients: https?.clients,
    count: beside?.connections,
    table: beside?.table,
  });
  const exchanged = { listener, others: beside };
  const exchange = new CertificateExchange(
    (next) => exchangeInPlace(exchanged, next),
    options.logger,
  );
  certificates?.onChange((next) => exchange.use(next));
  return listener;
}

/** Throws where somebody listens: a listener that shares its port would be let in beside another program's. */
function requireFree({ hostname, port }: Pick<ListenOptions, "hostname" | "port">): void {
  Deno.listen({ hostname, port }).close();
}
