import assert from "node:assert/strict";
import { sendAtOnce } from "../../src/http/no_delay.ts";
import { acceptedOption } from "./socket_option.ts";

/** TCP_NODELAY of Linux. */
const noDelay = 1;

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
      assert.equal(acceptedOption(client.localAddr.port, noDelay) === 1, isAtOnce);
    }
  },
});
