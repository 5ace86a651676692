import assert from "node:assert/strict";
import { keepLittleUnsent } from "../../src/http/little_unsent.ts";
import { acceptedOption } from "./socket_option.ts";

/** TCP_NOTSENT_LOWAT of Linux. */
const notSentLow = 25;

Deno.test({
  name: "keepLittleUnsent() bounds what the system keeps for connections accepted from then on",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    for (const isBounded of [false, true]) {
      if (isBounded) keepLittleUnsent(port);
      const connecting = Deno.connect({ hostname: "127.0.0.1", port });
      using _ = await listener.accept();
      using client = await connecting;
      assert.equal(acceptedOption(client.localAddr.port, notSentLow) === 512 * 1024, isBounded);
    }
  },
});
