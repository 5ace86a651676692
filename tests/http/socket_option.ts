import assert from "node:assert/strict";
import { listenersOn, tcpLevel } from "../../src/http/listening_sockets.ts";
import { openDescriptors } from "../../src/http/open_descriptors.ts";
import { SocketAddress } from "../../src/http/socket_address.ts";
import { openCLibrary } from "../../src/io/c_library.ts";

const symbols = {
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** TCP_NODELAY and TCP_NOTSENT_LOWAT of Linux. */
export const noDelay = 1;
export const notSentLow = 25;

function calls() {
  const opened = openCLibrary(symbols);
  assert.ok(opened);
  return opened;
}

function optionOf(descriptor: number, name: number): number | undefined {
  const value = new Uint32Array(1);
  assert.equal(calls().getsockopt(descriptor, tcpLevel, name, value, new Uint32Array([4])), 0);
  return value[0];
}

/** An option of TCP of the connection that this listener accepts next. */
export async function nextAcceptedOption(
  listener: Deno.TcpListener,
  name: number,
): Promise<number | undefined> {
  const connecting = Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using _ = await listener.accept();
  using client = await connecting;
  return acceptedOption(client.localAddr.port, name);
}

/** That of the connection with the client at this port, at the server's end. */
function acceptedOption(clientPort: number, name: number): number | undefined {
  const { getpeername } = calls();
  const address = new SocketAddress();
  const found = openDescriptors().find((descriptor) =>
    getpeername(descriptor, address.bytes, address.length) === 0 && address.port === clientPort
  );
  assert.ok(found !== undefined);
  return optionOf(found, name);
}

/** The same option of all listeners on a port. */
export function listenersOption(port: number, name: number): (number | undefined)[] {
  return listenersOn(port).map((descriptor) => optionOf(descriptor, name));
}
