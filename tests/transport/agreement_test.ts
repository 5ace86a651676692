import assert from "node:assert/strict";
import { ByteWriter } from "../../src/base/bytes.ts";
import { FrameType } from "../../src/transport/frame.ts";
import { protocolVersion } from "../../src/transport/handshake.ts";
import type { Agreement } from "../../src/transport/types.ts";
import { background } from "../background.ts";
import {
  heartbeat,
  introduce,
  network,
  OPEN_KIND,
  openNode,
  RawPeer,
  string,
  text,
  until,
  untilConnected,
} from "./fixture.ts";

/** Refuses whoever tells another word, and notes whom it was asked about. */
class Word implements Agreement {
  readonly own: Uint8Array;
  readonly asked: string[] = [];

  constructor(readonly word: string) {
    this.own = text(word);
  }

  refusal({ id, address }: { id: string; address: string }, theirs: Uint8Array) {
    this.asked.push(`${id} at ${address}`);
    const other = string(theirs);
    return other === this.word ? undefined : `${this.word} is not ${other} of ${id}`;
  }
}

const options = { timeoutMs: 120_000 };

Deno.test("Transport: ends that disagree exchange no message, request or stream, and both are told", async () => {
  const [red, blue] = [new Word("red"), new Word("blue")];
  await using a = await openNode("a", { agreement: red });
  await using b = await openNode("b", { agreement: blue });
  introduce(a, b);
  await assert.rejects(
    a.transport.request({ address: b.address, kind: OPEN_KIND, payload: text("?") }, options),
    {
      kind: "incompatible",
      message: `Node at ${b.address}: red is not blue of b`,
    },
  );
  async function* body(): AsyncIterable<Uint8Array> {
    yield text("rows");
  }
  await assert.rejects(
    b.transport.stream({ address: a.address, kind: 1, header: text("h"), body: body() }, options),
    {
      kind: "incompatible",
    },
  );
  await until(() => {
    a.transport.send([heartbeat("a", "b", 1)]);
    return a.unreachable.includes("b");
  }, "b is unreachable for a");
  await until(
    () => red.asked.includes(`b at ${b.address}`) && blue.asked.includes(`a at ${a.address}`),
    "both have been asked",
  );
  assert.deepEqual([...a.messages, ...b.messages], []);
  // Who hands the agreement in says what there is to say, once: links are tried again and again.
  assert.deepEqual([...a.log.lines, ...b.log.lines].filter((line) => !/^DEBUG/.test(line)), []);
});

Deno.test("Transport: ends that agree talk, a stranger too", async () => {
  await using a = await openNode("a", { agreement: new Word("red") });
  await using b = await openNode("b", { agreement: new Word("red") });
  await using c = await openNode("c", { agreement: new Word("red"), clusterId: "" });
  introduce(a, b);
  await untilConnected(a, b);
  assert.equal(
    string(
      await c.transport.request(
        { address: a.address, kind: OPEN_KIND, payload: text("x") },
        options,
      ),
    ),
    "x",
  );
});

Deno.test("Transport: the other protocol version is named on both sides", async () => {
  await using node = await openNode("a");
  using older = await RawPeer.connect(node.address);
  await older.connection.write(text(`raftlite\x03\x00\x00\x00`));
  await until(
    () =>
      node.log.matching(/version 3 is not ours, 4: it runs an older raftlite; upgrade it/)
        .length === 1,
    "the log names it",
  );
  const answer = new Uint8Array(4096);
  const count = await older.connection.read(answer) ?? 0;
  assert.deepEqual(
    answer.subarray(0, 12),
    text(`raftlite${String.fromCharCode(protocolVersion)}\x00\x01\x00`),
  );
  assert.equal(answer[12 + 9], FrameType.reject);
  assert.match(string(answer.subarray(0, count)), /Protocol version 3 is not ours/);

  // And as a caller: a newer one answers with its own version.
  const listener = await network.listen("127.0.0.1:0");
  const answering = background(async () => {
    const connection = await listener.accept();
    const writer = new ByteWriter();
    writer.raw(text(`raftlite\x09\x00\x00\x00`));
    await connection?.write(writer.view());
    return connection;
  });
  await assert.rejects(
    node.transport.request(
      { address: listener.address, kind: OPEN_KIND, payload: text("?") },
      options,
    ),
    {
      kind: "protocol",
      message: /version 9 is not ours, 4: it runs a newer raftlite; upgrade this one/,
    },
  );
  (await answering)?.close();
  listener.close();
});

Deno.test("Transport: an agreement too large for a handshake is a mistake of this program", async () => {
  const agreement = new Word("x".repeat(20_000));
  await assert.rejects(openNode("a", { agreement }), /does not fit in a hello/);
});
