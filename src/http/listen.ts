import type { Audit } from "../audit/types.ts";
import type { Logger } from "../io/types.ts";
import type { TlsCredentials } from "../tls/credentials.ts";
import type { ConnectionCount } from "./connection_count.ts";
import type { ConnectionLimits } from "./connection_watch.ts";
import { CertificateExchange, type OtherListeners } from "./certificate_exchange.ts";
import { Front } from "./front.ts";
import type { Listening } from "./listening.ts";
import { keepLittleUnsent } from "./little_unsent.ts";
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
  // A listener that shares its port would be let in beside another program's.
  if (isShared) Deno.listen({ hostname, port }).close();
  const parts = { native, handler, limits, count: beside?.connections };
  if (https === undefined) return new Front(listenPlain({ hostname, port, isShared }), parts);
  const { certificates } = https;
  const listener = listenTls({ hostname, port, isShared }, certificates.current);
  const front = new Front(listener, { ...parts, plainOnTls: PlainOnTls.open() });
  const at = { hostname, port: front.addr.port, isShared };
  const exchange = new CertificateExchange({
    ...{ front, logger },
    others: beside,
    listen: (shown) => listenTls(at, shown),
  });
  certificates.onChange((next) => exchange.use(next));
  return front;
}

async function listenByNode({ https, ...options }: ListenOptions): Promise<NodeListener> {
  const certificates = https?.certificates;
  const listener = await NodeListener.listen({
    ...options,
    certificates: certificates?.current,
    clients: https?.clients,
  });
  keepLittleUnsent(listener.addr.port);
  certificates?.onChange((next) => listener.use(next));
  return listener;
}
