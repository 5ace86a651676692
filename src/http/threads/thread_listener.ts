import type { Audit } from "../../audit/types.ts";
import type { Logger } from "../../io/types.ts";
import type { TlsCredentials } from "../../tls/credentials.ts";
import { ConnectionCount } from "../connection_count.ts";
import { ConnectionTable } from "../connection_table.ts";
import { Front } from "../front.ts";
import { listenPlain, listenTls } from "../listener.ts";
import { type ClientHandler, type NativeServer, nativeServer } from "../native_server.ts";
import { NodeListener } from "../node_listener.ts";
import { PlainOnTls } from "../plain_on_tls.ts";
import type { ServingStart } from "./messages.ts";

/** What a thread beside the main one accepts connections by. */
export interface ThreadListener {
  /** Has new connections shown these; throws where that cannot be. */
  renew(shown: TlsCredentials): void;
  /** Accepts as it was last renewed only. */
  closeOlder(): void;
  /** Accepts no more, and resolves when the requests under way have ended. */
  shutdown(): Promise<void>;
}

interface ListeningParts {
  readonly serving: ServingStart;
  readonly handler: ClientHandler;
  /** Told how many connections there are whenever that changes. */
  readonly sized: (connections: number) => void;
  readonly logger: Logger;
  /** Is told of clients that are kept out; undefined where nobody wants to know. */
  readonly audit: Pick<Audit, "record"> | undefined;
}

/**
 * Listens as the main thread does, beside it: by Deno's server, or by Node's where clients are asked
 * for certificates. Rejects with what the system says when that cannot be, or this Deno has no server
 * for it.
 */
export async function listenOnThread(
  { serving, handler, sized, logger, audit }: ListeningParts,
): Promise<ThreadListener> {
  const { hostname, port, shown, clients, limits } = serving;
  const at = { hostname, port, isShared: true };
  const parts = { handler, limits, count: new ConnectionCount(serving.connections), sized };
  const table = new ConnectionTable(serving.table, serving.thread);
  if (clients !== undefined) {
    const listener = await NodeListener.listen({
      ...{ ...at, ...parts, table, clients, logger, audit },
      certificates: shown,
    });
    return {
      renew: (shown) => listener.use(shown),
      closeOlder() {},
      shutdown: () => listener.shutdown(),
    };
  }
  const front = new Front(shown === undefined ? listenPlain(at) : listenTls(at, shown), {
    ...parts,
    native: requireNative(),
    plainOnTls: shown && PlainOnTls.open(table),
  });
  return {
    renew: (shown) => front.renew(() => listenTls(at, shown)),
    closeOlder: () => front.closeOlder(),
    shutdown: () => front.shutdown(),
  };
}

function requireNative(): NativeServer {
  const native = nativeServer();
  if (native === undefined) throw new Error(`Deno ${Deno.version.deno} offers no server for it`);
  return native;
}
