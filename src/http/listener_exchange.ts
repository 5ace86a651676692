import type { KeyPair } from "../tls/key_pair.ts";
import type { TlsCredentials } from "../tls/credentials.ts";
import { type OtherListeners, requireAll } from "./certificate_exchange.ts";
import { chooseListeners } from "./chosen_listeners.ts";
import type { Front } from "./front.ts";
import { listenersOn } from "./listening_sockets.ts";
import { sharesPorts } from "./shared_port.ts";

export interface ListenerExchange {
  readonly front: Front;
  /** Undefined where this thread listens alone. */
  readonly others: OtherListeners | undefined;
  /** Listens on the front's port. */
  readonly listen: (shown: KeyPair) => Deno.TlsListener;
}

/**
 * Has all of Deno's servers on a port show a new certificate, for which each needs a new listener.
 * These come behind as many older ones, and get all connections from then on. While the older ones
 * are closed, in whatever order, the last takes the place of each, so that the first of the new ones
 * keeps its own until there are new ones only.
 */
export async function exchangeListeners(
  { front, others, listen }: ListenerExchange,
  next: TlsCredentials,
): Promise<void> {
  const older = 1 + (await others?.listening() ?? 0);
  const { port } = front.addr;
  const firstNew = { from: older, count: 1 };
  const isChosen = sharesPorts && chooseListeners(port, firstNew);
  if (!isChosen && others === undefined) {
    return await front.replace(() => listen(next), sharesPorts);
  }
  const before = listenersOn(port).length;
  front.renew(() => listen(next));
  const failures = await others?.renew(next) ?? [];
  chooseListeners(port, { from: older, count: older });
  // Connections may be in the middle of TCP's handshake for as long as their ways are.
  await front.pause(handshakeMs);
  chooseListeners(port, firstNew);
  front.closeOlder();
  others?.closeOlder();
  // Deno lets go of them a little later; the next ones have to come behind those that stay.
  for (let tries = 0; listenersOn(port).length > before && tries < triesMax; tries++) {
    if (!await front.pause(retryMs)) break;
  }
  requireAll(failures);
}

/** How long TCP's handshake with a client may take that an old listener has begun, in ms. */
const handshakeMs = 1_000;
/** How often it looks whether the old listeners are gone, and after how long again, in ms. */
const triesMax = 500;
const retryMs = 10;
