import type { Audit } from "../audit/types.ts";
import type { Logger } from "../io/types.ts";
import { messageOf } from "../base/message_of.ts";
import type { TlsCredentials } from "../tls/credentials.ts";
import type { ConnectionCount } from "./connection_count.ts";
import type { ConnectionLimits } from "./connection_watch.ts";
import { Front, type PortSharing } from "./front.ts";
import type { Listening } from "./listening.ts";
import { keepLittleUnsent } from "./little_unsent.ts";
import { type ClientHandler, nativeServer } from "./native_server.ts";
import { PlainOnTls } from "./plain_on_tls.ts";
import { preferNewestListener } from "./newest_listener.ts";
import { sendAtOnce } from "./no_delay.ts";
import { listenBeside, sharesPorts } from "./shared_port.ts";
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
  /** Counts the connections of all threads that listen here; undefined for this one alone. */
  readonly beside?: ConnectionCount | undefined;
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
  const { hostname, port, handler, limits } = options;
  const parts = { native, handler, limits };
  const { beside } = options;
  if (https === undefined && beside === undefined) {
    return new Front(withLittleUnsent(Deno.listen({ hostname, port })), parts);
  }
  // A listener that shares its port would be let in beside another program's.
  Deno.listen({ hostname, port }).close();
  if (https === undefined) {
    const listener = withLittleUnsent(listenBeside({ hostname, port }));
    return new Front(listener, { ...parts, count: beside });
  }
  const front = new Front(listenTls({ hostname, port }, https.certificates.current), {
    ...parts,
    plainOnTls: PlainOnTls.open(),
  });
  exchange(front, options, https.certificates);
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

function withLittleUnsent<Listener extends Deno.TcpListener | Deno.TlsListener>(
  listener: Listener,
): Listener {
  keepLittleUnsent(listener.addr.port);
  return listener;
}

function sharingOf(port: number): PortSharing {
  if (!sharesPorts) return "none";
  return preferNewestListener(port) ? "newest" : "some";
}

interface Address {
  readonly hostname: string;
  readonly port: number;
}

function listenTls(address: Address, { certificates, key }: TlsCredentials): Deno.TlsListener {
  const options: Deno.ListenTlsOptions & Deno.TlsCertifiedKeyPem & { readonly reusePort: boolean } =
    {
      ...address,
      cert: certificates,
      key,
      alpnProtocols: ["h2", "http/1.1"],
      reusePort: sharesPorts,
    };
  const listener = Deno.listenTls(options);
  sendAtOnce(listener.addr.port);
  return withLittleUnsent(listener);
}

/** Has the front listen anew with each new certificate, one after the other. */
function exchange(front: Front, options: ListenOptions, certificates: CertificateSource): void {
  const { hostname, logger } = options;
  const { port } = front.addr;
  const sharing = sharingOf(port);
  let last = Promise.resolve();
  certificates.onChange((next) => {
    last = last
      .then(() => front.replace(() => listenTls({ hostname, port }, next), sharing))
      .catch((error) => {
        logger.log("ERROR", "http", `The new certificate is not in force: ${messageOf(error)}`);
      });
  });
}
