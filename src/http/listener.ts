import type { KeyPair } from "../tls/key_pair.ts";
import { keepLittleUnsent } from "./little_unsent.ts";
import { sendAtOnce } from "./no_delay.ts";

export interface ListenerAddress {
  readonly hostname: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Whether others of this program may listen there, too: each gets some of the connections. */
  readonly isShared: boolean;
}

/** Listens for HTTP. */
export function listenPlain({ hostname, port, isShared }: ListenerAddress): Deno.TcpListener {
  const options: Deno.TcpListenOptions & { readonly reusePort: boolean } = {
    ...{ hostname, port },
    reusePort: isShared,
  };
  const listener = Deno.listen(options);
  keepLittleUnsent(listener.addr.port);
  return listener;
}

/** Listens for HTTPS, by this certificate. */
export function listenTls(
  { hostname, port, isShared }: ListenerAddress,
  { certificates, key }: KeyPair,
): Deno.TlsListener {
  const options: Deno.ListenTlsOptions & Deno.TlsCertifiedKeyPem & { readonly reusePort: boolean } =
    {
      ...{ hostname, port },
      cert: certificates,
      key,
      alpnProtocols: ["h2", "http/1.1"],
      reusePort: isShared,
    };
  const listener = Deno.listenTls(options);
  sendAtOnce(listener.addr.port);
  keepLittleUnsent(listener.addr.port);
  return listener;
}
