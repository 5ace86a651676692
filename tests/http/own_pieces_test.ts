import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { joinBytes } from "../../src/base/bytes.ts";
import { ClientActivity } from "../../src/http/client_activity.ts";
import type { Handler } from "../../src/http/native_server.ts";
import { answerNode } from "../../src/http/node_exchange.ts";
import { OwnPieces } from "../../src/http/own_pieces.ts";
import { serve } from "../../src/http/serve.ts";
import { StreamedResponse } from "../../src/http/streamed_response.ts";
import { Prng } from "../../src/base/prng.ts";
import { anySeed } from "../store/seeds.ts";
import { appWith, FakeService } from "./fake_service.ts";

/** Large ones, of which several fit into no buffer between, and small ones among them. */
const sizes = [300_000, 65_536, 10, 524_288, 70_000, 1000, 524_288, 65_535, 7];

/** Pieces of chance, and what all of them are together. */
function piecesOf(random: Prng): { pieces: Uint8Array<ArrayBuffer>[]; whole: Uint8Array } {
  const pieces = sizes.map((size) => new Uint8Array(size));
  for (const piece of pieces) random.fill(piece);
  return { pieces, whole: joinBytes(pieces) };
}

Deno.test("serve() sends a backup whole, and gives the memory of its pieces back as it goes", async () => {
  const random = new Prng(anySeed());
  const service = new FakeService();
  const server = await serve({ ...appWith(service), hostname: "127.0.0.1", port: 0 });
  try {
    // The first request of a connection may be answered by another way than those behind it.
    for (const _request of [1, 2, 3]) {
      const { pieces, whole } = piecesOf(random);
      service.backup = () =>
        Promise.resolve({
          position: { index: 7, term: 1 },
          sizeBytes: whole.length,
          body: ReadableStream.from([...pieces]),
        });
      const response = await fetch(`http://${server.address}/db/backup`);
      assert.equal(Buffer.compare(await response.bytes(), whole), 0);
      assert.deepEqual(
        pieces.map(({ length }) => length),
        sizes.map((size) => size < 65_536 ? size : 0),
      );
    }
  } finally {
    await server.stop(5_000);
  }
});

Deno.test("Node's server sends such a body whole, which may have pieces of it in a queue", async () => {
  const random = new Prng(anySeed());
  const { pieces, whole } = piecesOf(random);
  const handler: Handler = () =>
    new StreamedResponse(
      new OwnPieces({
        start(controller) {
          for (const piece of pieces) controller.enqueue(piece);
          controller.close();
        },
      }),
    );
  const client: ClientActivity = new ClientActivity(
    "127.0.0.1",
    async (request) => client.answered(await handler(request)),
  );
  const server = createServer((request, response) =>
    void answerNode({ request, response, client, secure: false })
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/`);
  assert.equal(Buffer.compare(await response.bytes(), whole), 0);
  await new Promise((resolve) => server.close(resolve));
});
