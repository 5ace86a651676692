import type { TlsCredentials } from "../tls/credentials.ts";
import { type OtherListeners, requireAll } from "./certificate_exchange.ts";
import { chooseListeners } from "./chosen_listeners.ts";
import type { NodeListener } from "./node_listener.ts";

export interface ExchangeInPlace {
  readonly listener: NodeListener;
  /** Undefined where this thread listens alone. */
  readonly others: OtherListeners | undefined;
}

/**
 * Has all of Node's servers on a port show a new certificate, which each does from one moment on, by
 * the listener that it has. That of this thread, which came first, gets all new connections until the
 * others show it too, so that none is shown the old one once some have been shown the new one.
 */
export async function exchangeInPlace(
  { listener, others }: ExchangeInPlace,
  next: TlsCredentials,
): Promise<void> {
  if (others === undefined) return listener.use(next);
  const count = 1 + await others.listening();
  const { port } = listener.addr;
  chooseListeners(port, { from: 0, count: 1 });
  listener.use(next);
  const failures = await others.renew(next);
  // Nobody is at that place: all get some again.
  chooseListeners(port, { from: count, count: 1 });
  requireAll(failures);
}
