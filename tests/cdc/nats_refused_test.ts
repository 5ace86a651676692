import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { messageOf, sinkOf } from "./nats_sink.ts";

const message = messageOf(["1.0", undefined, "x"]);
const info = {
  ...{ server_id: "x", server_name: "x", version: "2.9.10", proto: 1, host: "x", port: 1 },
  ...{ headers: true, jetstream: true, max_payload: 1_048_576, auth_required: true },
};

/** As a server does that is sent more than it wants to read: its end is a reset. */
Deno.test(
  "NatsSink is refused by an error of its own where the connection is reset, and leaves none to nobody",
  { sanitizeResources: false },
  async () => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.write(`INFO ${JSON.stringify(info)} \r\n`);
      socket.on("data", () => {
        socket.write("-ERR 'Authorization Violation'\r\n");
        socket.resetAndDestroy();
      });
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", () => listening()));
    const { port } = server.address() as AddressInfo;
    try {
      for (let tries = 0; tries < 20; tries++) {
        using sink = sinkOf(`nats://127.0.0.1:${port}`);
        await assert.rejects(sink.send(message, new AbortController().signal));
      }
    } finally {
      await new Promise((closed) => server.close(closed));
    }
  },
);
