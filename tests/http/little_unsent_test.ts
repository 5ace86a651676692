import assert from "node:assert/strict";
import { keepLittleUnsent } from "../../src/http/little_unsent.ts";
import { nextAcceptedOption, notSentLow } from "./socket_option.ts";

Deno.test({
  name: "keepLittleUnsent() bounds what the system keeps for connections accepted from then on",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    for (const isBounded of [false, true]) {
      if (isBounded) keepLittleUnsent(listener.addr.port);
      assert.equal(await nextAcceptedOption(listener, notSentLow) === 512 * 1024, isBounded);
    }
  },
});
