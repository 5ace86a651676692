import assert from "node:assert/strict";
import { sendAtOnce } from "../../src/http/no_delay.ts";
import { nextAcceptedOption, noDelay } from "./socket_option.ts";

Deno.test({
  name: "sendAtOnce() has connections send at once that are accepted from then on",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    for (const isAtOnce of [false, true]) {
      if (isAtOnce) sendAtOnce(listener.addr.port);
      assert.equal(await nextAcceptedOption(listener, noDelay) === 1, isAtOnce);
    }
  },
});
