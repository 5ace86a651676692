import { ByteReader } from "../../src/base/bytes.ts";
import { strict as assert } from "node:assert";
import { ServiceError } from "../../src/cluster/types.ts";
import * as members from "../../src/cluster/member_wire.ts";
import * as wire from "../../src/cluster/wire.ts";

const requester = { username: "bob", address: "10.0.0.9" };

Deno.test("wire calls read back as they were written", () => {
  const write = {
    timeoutMs: 1234,
    format: {
      associative: true,
      timings: false,
      blobArray: true,
      exact: true,
      qualifyColumns: false,
      unified: true,
    },
    command: new Uint8Array([1, 2, 3]),
  };
  const { command, ...head } = write;
  const whole = wire.encodeWrite(write);
  const later = wire.encodeWrite({ ...write, command: new Uint8Array(100_000).fill(7) });
  assert.deepEqual(wire.decodeWrite(whole), write);
  assert.deepEqual(wire.decodeWrite(Uint8Array.of(...wire.encodeWrite(head), ...command)), write);
  assert.equal(wire.decodeWrite(later).command.length, 100_000);
  const answer = wire.readAnswer(wire.encodeWriteAnswer(77, true, "é"));
  assert.deepEqual([answer.integer(), answer.uint8(), answer.remaining], [77, 1, 2]);
  const join = {
    id: "n1",
    address: "a:1",
    httpAddress: "a:2",
    suffrage: "learner",
    relayed: false,
    timeoutMs: 5,
    sqlite: Uint8Array.of(1, 2),
  } as const;
  assert.deepEqual(members.decodeJoin(members.encodeJoin(join)), join);
  const credentials = { username: "node", password: "p" };
  const named = { ...join, credentials };
  assert.deepEqual(members.decodeJoin(members.encodeJoin(named)), named);
  const relayed = { ...join, relayed: true, requester };
  assert.deepEqual(members.decodeJoin(members.encodeJoin(relayed)), relayed);
  const bare = { ...join, relayed: true };
  assert.deepEqual(members.decodeJoin(members.encodeJoin({ ...bare, credentials })), bare);
  for (const call of [{ name: undefined, wait: true }, { name: "n2", wait: false }]) {
    assert.deepEqual(members.decodeStepDown(members.encodeStepDown(call)), call);
    const asked = { ...call, requester };
    assert.deepEqual(members.decodeStepDown(members.encodeStepDown(asked)), asked);
  }
  const form = { phase: "commit", clusterId: "0123456789abcdef", to: "n1" } as const;
  assert.deepEqual(members.decodeForm(members.encodeForm(form)), form);
  assert.equal(wire.decodeBarrier(wire.encodeBarrier(77)), 77);
  for (const call of [{ version: 2 }, { version: 2, requester }]) {
    assert.deepEqual(members.decodeRaise(members.encodeRaise(call)), call);
  }
  for (const call of [{ name: "n3" }, { name: "n3", requester }]) {
    assert.deepEqual(members.decodeRemove(members.encodeRemove(call)), call);
  }
  const nobody = { username: undefined, address: "10.0.0.9" };
  const byNobody = { name: "n3", requester: nobody };
  assert.deepEqual(members.decodeRemove(members.encodeRemove(byNobody)), byNobody);
});

Deno.test("a node of before the audit reads what this one sends, and passes over who asked", () => {
  // As they did: what is behind the fields that they know is left alone, or taken for credentials.
  const removal = new ByteReader(members.encodeRemove({ name: "n3", requester }));
  assert.equal(removal.text(), "n3");
  const stepDown = new ByteReader(members.encodeStepDown({ name: "n2", wait: true, requester }));
  assert.deepEqual([stepDown.uint8(), stepDown.text()], [1, "n2"]);
  const place = { id: "n1", address: "a:1", httpAddress: "a:2", suffrage: "staging" } as const;
  const call = { ...place, relayed: true, timeoutMs: 5, sqlite: new Uint8Array(), requester };
  const join = new ByteReader(members.encodeJoin(call));
  assert.deepEqual([join.text(), join.text(), join.text()], ["n1", "a:1", "a:2"]);
  assert.deepEqual([join.uint8(), join.uint8(), join.integer(), join.bytes().length], [0, 1, 5, 0]);
  assert.deepEqual([join.text(), join.text()], ["bob", "10.0.0.9"], "in place of credentials");
  join.end();
});

Deno.test("readAnswer() throws the ServiceError that an answer carries", () => {
  const bytes = wire.encodeFailure(new ServiceError("unknown_outcome", "Who knows"));
  assert.throws(() => wire.readAnswer(bytes), { kind: "unknown_outcome", message: "Who knows" });
  const answer = wire.beginAnswer();
  answer.uint8(9);
  assert.equal(wire.readAnswer(answer.copy()).uint8(), 9);
});
