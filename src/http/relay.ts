import { closeQuietly } from "./close_quietly.ts";
import { type ByteSink, writeAll } from "./front_answer.ts";
import type { NativeServer, ServedClient, ServedConnection } from "./native_server.ts";

const chunkBytes = 64 * 1024;

interface Relay {
  readonly native: NativeServer;
  /** The client's, to which answers are written. */
  readonly connection: Pick<Deno.Conn, "write" | "close">;
  readonly client: ServedClient;
  /** Gives the next bytes of the client; undefined at their end. */
  readonly received: () => Promise<Uint8Array | undefined>;
  readonly onServed: (served: ServedConnection) => void;
}

/**
 * Has Deno's server answer on a connection of which a part has been read already: by way of a second
 * connection, within the process, into which all that the client sends is copied. Ends both.
 */
export async function relay(
  { native, connection, client, received, onServed }: Relay,
): Promise<void> {
  const [inside, served] = await connectedPair();
  onServed(native.serve(served, client));
  // The client may stop sending while the answer is still on its way; when it breaks, all ends.
  const requests = copyRequests(received, inside).catch(() => closeQuietly(inside));
  try {
    await copyAnswers(inside, connection);
  } catch {
    // The client has gone.
  } finally {
    closeQuietly(inside);
    closeQuietly(connection);
    await requests;
  }
}

async function copyRequests(
  received: () => Promise<Uint8Array | undefined>,
  inside: Deno.Conn,
): Promise<void> {
  for (;;) {
    const bytes = await received();
    if (bytes === undefined) return await inside.closeWrite();
    await writeAll(inside, bytes);
  }
}

async function copyAnswers(inside: Deno.Conn, client: ByteSink): Promise<void> {
  const chunk = new Uint8Array(chunkBytes);
  for (;;) {
    const length = await inside.read(chunk);
    if (length === null) return;
    await writeAll(client, chunk.subarray(0, length));
  }
}

/** Two ends of one connection. */
async function connectedPair(): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connecting = Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  for (;;) {
    const accepted = await listener.accept();
    const mine = await connecting;
    if (sameAddress(accepted.remoteAddr, mine.localAddr)) return [mine, accepted];
    // Somebody else on this machine was quicker.
    accepted.close();
  }
}

function sameAddress(one: Deno.NetAddr, other: Deno.NetAddr): boolean {
  return one.hostname === other.hostname && one.port === other.port;
}
