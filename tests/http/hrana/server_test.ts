import assert from "node:assert/strict";
import { DisconnectWatch } from "../../../src/http/disconnect_watch.ts";
import { appWith, FakeService } from "../fake_service.ts";

Deno.test("a pipeline that may come to a read behind something else is asked for its client's signal at once", async () => {
  const { state } = appWith(new FakeService());
  const isAsked = async (...requests: readonly unknown[]) => {
    let asked = false;
    const request = new Request("http://localhost/v3/pipeline");
    Object.defineProperty(request, "signal", {
      get: () => {
        asked = true;
        return new AbortController().signal;
      },
    });
    using watched = new DisconnectWatch(false).over(request);
    await state.hrana.serve({
      operation: "pipeline",
      body: new Uint8Array(),
      value: { requests },
      asker: {
        user: "",
        rights: undefined,
        address: "",
        minIndex: undefined,
        client: { request, requester: { username: undefined, address: "" }, watched },
      },
    });
    return asked;
  };
  const write = { type: "execute", stmt: { sql: "INSERT INTO t VALUES (1)" } };
  assert.equal(await isAsked(write), false);
  assert.equal(await isAsked(write, { type: "close" }), false);
  assert.equal(await isAsked({ type: "get_autocommit" }, write), true);
  assert.equal(await isAsked({ type: "batch", batch: { steps: [] } }), true);
});
