import { strict as assert } from "node:assert";
import { ServiceError } from "../../src/cluster/types.ts";
import * as wire from "../../src/cluster/wire.ts";

Deno.test("wire calls read back as they were written", () => {
  const write = {
    timeoutMs: 1234,
    format: {
      associative: true,
      timings: false,
      blobArray: true,
      qualifyColumns: false,
      unified: true,
    },
    command: new Uint8Array([1, 2, 3]),
  };
  assert.deepEqual(
    wire.decodeWrite(Uint8Array.of(...wire.encodeWrite(write), ...write.command)),
    write,
  );
  const join = {
    id: "n1",
    address: "a:1",
    httpAddress: "a:2",
    suffrage: "learner",
    relayed: false,
    timeoutMs: 5,
    sqlite: Uint8Array.of(1, 2),
  } as const;
  assert.deepEqual(wire.decodeJoin(wire.encodeJoin(join)), join);
  for (const call of [{ name: undefined, wait: true }, { name: "n2", wait: false }]) {
    assert.deepEqual(wire.decodeStepDown(wire.encodeStepDown(call)), call);
  }
  const form = { phase: "commit", clusterId: "0123456789abcdef", to: "n1" } as const;
  assert.deepEqual(wire.decodeForm(wire.encodeForm(form)), form);
  assert.equal(wire.decodeBarrier(wire.encodeBarrier(77)), 77);
  assert.equal(wire.decodeRaise(wire.encodeRaise(2)), 2);
  assert.equal(wire.decodeRemove(wire.encodeRemove("n3")), "n3");
});

Deno.test("readAnswer() throws the ServiceError that an answer carries", () => {
  const bytes = wire.encodeFailure(new ServiceError("unknown_outcome", "Who knows"));
  assert.throws(() => wire.readAnswer(bytes), { kind: "unknown_outcome", message: "Who knows" });
  const answer = wire.beginAnswer();
  answer.uint8(9);
  assert.equal(wire.readAnswer(answer.copy()).uint8(), 9);
});
