import { strict as assert } from "node:assert";
import type { Network } from "../../src/io/types.ts";
import { Whereabouts } from "../../src/transport/whereabouts.ts";
import { heartbeat, network, openNode, until, untilConnected } from "./fixture.ts";

const nowhere = "127.0.0.1:1";

Deno.test("Whereabouts takes a peer's own word, and only a peer's", () => {
  const subject = new Whereabouts();
  assert.equal(subject.hear("b", "h:2"), false);
  subject.setPeers(new Map([["b", "h:1"]]));
  assert.equal(subject.heard("b"), undefined);
  assert.equal(subject.hear("b", "h:2"), true);
  assert.equal(subject.hear("b", "h:2"), false);
  assert.equal(subject.heard("b"), "h:2");
  assert.deepEqual([...subject.byAddress().keys()].sort(), ["h:1", "h:2"]);
  subject.setPeers(new Map([["b", "h:2"]]));
  assert.equal(subject.heard("b"), undefined);
  assert.equal(subject.hear("b", "h:3"), true);
  assert.equal(subject.hear("b", "h:2"), true);
  assert.equal(subject.heard("b"), undefined);
  subject.hear("b", "h:3");
  subject.setPeers(new Map([["c", "h:9"]]));
  assert.deepEqual([...subject.byAddress()], [["h:9", new Set(["c"])]]);
});

Deno.test("send() follows a peer to where it says that it is, whichever of the two connects", async () => {
  for (const caller of ["mover", "other"]) {
    await using a = await openNode("a");
    await using b = await openNode("b");
    a.transport.setPeers(new Map([["b", nowhere]]));
    b.transport.setPeers(new Map([["a", nowhere]]));
    assert.equal(a.transport.addressOf("b"), nowhere);
    const [from, to] = caller === "mover" ? [b, a] : [a, b];
    await from.transport.request({ address: to.address, kind: 1, payload: new Uint8Array() }, {
      timeoutMs: 120_000,
    });
    await untilConnected(a, b);
    await untilConnected(b, a);
    assert.equal(a.transport.addressOf("b"), b.address);
    a.unreachable.length = 0;
    a.transport.setPeers(new Map([["b", b.address]]));
    await untilConnected(a, b);
    assert.deepEqual(a.unreachable, []);
  }
});

Deno.test("send() stays with the known address while the peer answers there, whoever else says it is the peer", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  await using copy = await openNode("b");
  a.transport.setPeers(new Map([["b", b.address]]));
  await untilConnected(a, b);
  await copy.transport.request({ address: a.address, kind: 1, payload: new Uint8Array() }, {
    timeoutMs: 120_000,
  });
  await until(() => a.log.matching(/b, known to be at/).length === 1, "the copy has been heard");
  await until(
    () => a.log.matching(/Connected to b/).length === 2,
    "there is a connection to the copy too",
  );
  assert.equal(a.transport.addressOf("b"), b.address);
  a.transport.send([heartbeat("a", "b", 7)]);
  await until(() => b.messages.length > 0, "the known one hears");
  assert.deepEqual(copy.messages, []);
});

Deno.test("a name that leads to another node is asked for again until it leads to the peer", async () => {
  await using other = await openNode("other");
  await using b = await openNode("b");
  let place = other.address;
  const names: Network = {
    listen: (address) => network.listen(address),
    connect: (address, timeoutMs) =>
      network.connect(address === "peer.test:4002" ? place : address, timeoutMs),
  };
  await using a = await openNode("a", { network: names, limits: { misledMs: 20 } });
  a.transport.setPeers(new Map([["b", "peer.test:4002"]]));
  await until(
    () => a.log.matching(/Connected to other/).length > 1,
    "the wrong one is let go of and tried again",
  );
  assert.equal(a.log.matching(/^INFO .*(Connected|Lost)/).length, 1);
  place = b.address;
  await untilConnected(a, b);
  // And again, when the peer has moved while the name was its own.
  await b.transport.close();
  await using moved = await openNode("b");
  place = moved.address;
  await untilConnected(a, moved);
});
