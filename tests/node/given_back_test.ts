import assert from "node:assert/strict";
import { givenBack } from "../../src/node/given_back.ts";

Deno.test("givenBack() gives a piece's memory back once the next is asked for, where it is all of it", async () => {
  const shared = new Uint8Array(200_000);
  const pieces = [
    new Uint8Array(100_000),
    new Uint8Array(10),
    shared.subarray(0, 100_000),
    new Uint8Array(100_000),
  ];
  const seen: number[] = [];
  async function* body() {
    yield* pieces;
    await Promise.resolve();
  }
  for await (const piece of givenBack(body())) seen.push(piece.length);
  assert.deepEqual(seen, [100_000, 10, 100_000, 100_000]);
  assert.deepEqual(pieces.map(({ length }) => length), [0, 10, 100_000, 0]);
  assert.equal(shared.length, 200_000);
});
