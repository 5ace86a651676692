import assert from "node:assert/strict";
import { listenersOn } from "../../src/http/listening_sockets.ts";
import { addressBytes, openDescriptors } from "../../src/http/open_descriptors.ts";
import { openCLibrary } from "../../src/io/c_library.ts";

const symbols = {
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** IPPROTO_TCP of Linux. */
const tcpLevel = 6;

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

/** An option of TCP of the connection with the client at this port, at the server's end. */
export function acceptedOption(clientPort: number, name: number): number | undefined {
  const address = new Uint8Array(addressBytes);
  const found = openDescriptors().find((descriptor) =>
    calls().getpeername(descriptor, address, new Uint32Array([addressBytes])) === 0 &&
    (address[2] ?? 0) * 256 + (address[3] ?? 0) === clientPort
  );
  assert.ok(found !== undefined);
  return optionOf(found, name);
}

/** The same option of all listeners on a port. */
export function listenersOption(port: number, name: number): (number | undefined)[] {
  return listenersOn(port).map((descriptor) => optionOf(descriptor, name));
}
