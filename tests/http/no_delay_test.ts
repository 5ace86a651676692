import assert from "node:assert/strict";
import { addressBytes, openDescriptors } from "../../src/http/open_descriptors.ts";
import { openCLibrary } from "../../src/io/c_library.ts";
import { sendAtOnce } from "../../src/http/no_delay.ts";

const symbols = {
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Whether the connection with the client at this port sends at once (TCP_NODELAY). */
function sendsAtOnce(clientPort: number): boolean {
  const calls = openCLibrary(symbols);
  assert.ok(calls);
  const address = new Uint8Array(addressBytes);
  const found = openDescriptors().find((descriptor) =>
    calls.getpeername(descriptor, address, new Uint32Array([addressBytes])) === 0 &&
    (address[2] ?? 0) * 256 + (address[3] ?? 0) === clientPort
  );
  assert.ok(found !== undefined);
  const value = new Uint32Array(1);
  assert.equal(calls.getsockopt(found, 6, 1, value, new Uint32Array([4])), 0);
  return value[0] === 1;
}

Deno.test({
  name: "sendAtOnce() has connections send at once that are accepted from then on",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    for (const isAtOnce of [false, true]) {
      if (isAtOnce) sendAtOnce(port);
      const connecting = Deno.connect({ hostname: "127.0.0.1", port });
      using _ = await listener.accept();
      using client = await connecting;
      assert.equal(sendsAtOnce(client.localAddr.port), isAtOnce);
    }
  },
});
