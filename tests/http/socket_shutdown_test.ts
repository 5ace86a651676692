import { strict as assert } from "node:assert";
import { shutDownSocket } from "../../src/http/socket_shutdown.ts";

Deno.test({
  name: "shutDownSocket ends a client's connection to that port, and none that it has to another",
  ignore: Deno.build.os === "windows",
  // The C library stays open.
  sanitizeResources: false,
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    using accepted = await listener.accept();
    const { remoteAddr, localAddr } = accepted;
    const bytes = new Uint8Array(8);
    for (const port of [localAddr.port + 1, localAddr.port - 1]) {
      shutDownSocket({ remoteAddr, localAddr: { port } });
      // It is done in the next turn.
      await new Promise((resolve) => setTimeout(resolve, 0));
      await accepted.write(bytes.subarray(0, 1));
      assert.equal(await client.read(bytes), 1);
    }
    shutDownSocket({ remoteAddr, localAddr });
    assert.equal(await client.read(bytes), null);
  },
});
