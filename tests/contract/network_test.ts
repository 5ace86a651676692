import assert from "node:assert/strict";
import { DenoNetwork } from "../../src/io/deno_network.ts";
import type { Connection, Network } from "../../src/io/types.ts";
import { nodeTlsMissing } from "../../src/tls/runtime.ts";
import { NodeTlsNetwork } from "../../src/tls/node_network.ts";
import { mutualTrust } from "../../src/tls/node_trust.ts";
import { credentialsOf } from "../../src/tls/secret_authority.ts";
import { takePort } from "../ports.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { SimulatedWires } from "../simulation/network.ts";

const credentials = await credentialsOf(["0123456789abcdef".repeat(2)], "a", Date.now());

interface World {
  /** Where to listen. */
  readonly address: string;
  readonly network: Network;
  readonly run: <T>(work: Promise<T>) => Promise<T>;
}

const implementations: Record<string, () => World> = {
  DenoNetwork: () => ({
    address: `127.0.0.1:${takePort()}`,
    network: new DenoNetwork(),
    run: (work) => work,
  }),
  NodeTlsNetwork: () => ({
    address: `127.0.0.1:${takePort()}`,
    network: new NodeTlsNetwork({ credentials: () => credentials, trust: mutualTrust }),
    run: (work) => work,
  }),
  SimulatedWires: () => {
    const clock = new SimulatedClock();
    const network = new SimulatedWires({ clock, latencyMs: 3 }).host("a");
    return { address: "a:0", network, run: (work) => clock.run(work) };
  },
};

/** Reads to the end, in small pieces. */
async function readAll(connection: Connection): Promise<number[]> {
  const found: number[] = [];
  const into = new Uint8Array(7);
  for (;;) {
    const count = await connection.read(into);
    if (count === null) return found;
    found.push(...into.subarray(0, count));
  }
}

async function connectPair({ network, address }: World) {
  const listener = await network.listen(address);
  const [client, server] = await Promise.all([
    network.connect(listener.address, 20_000),
    listener.accept(),
  ]);
  assert.ok(server);
  return { listener, client, server };
}

if (nodeTlsMissing() !== undefined) delete implementations["NodeTlsNetwork"];

for (const [name, make] of Object.entries(implementations)) {
  Deno.test(`${name} carries bytes in order, both ways, to the end`, async () => {
    const world = make();
    await world.run((async () => {
      const { listener, client, server } = await connectPair(world);
      const sent = Array.from({ length: 1000 }, (_, i) => i % 251);
      const reading = readAll(server);
      for (let i = 0; i < sent.length; i += 100) {
        await client.write(new Uint8Array(sent.slice(i, i + 100)));
      }
      await server.write(new Uint8Array([5]));
      const into = new Uint8Array(4);
      assert.equal(await client.read(into), 1);
      assert.equal(into[0], 5);
      client.close();
      assert.deepEqual(await reading, sent);
      server.close();
      listener.close();
    })());
  });

  Deno.test(`${name} ends accept() with null when the listener closes`, async () => {
    const { network, address, run } = make();
    await run((async () => {
      const listener = await network.listen(address);
      const accepted = listener.accept();
      listener.close();
      assert.equal(await accepted, null);
    })());
  });

  Deno.test(`${name} names the address that it cannot listen on or connect to`, async () => {
    const { network, address, run } = make();
    await run((async () => {
      const listener = await network.listen(address);
      const taken = listener.address;
      await assert.rejects(network.listen(taken), (error: Error) => {
        assert.ok(error.message.includes(`Cannot listen on ${taken}: the port is in use`));
        return true;
      });
      listener.close();
      await assert.rejects(network.connect(taken, 1000), (error: Error) => {
        assert.ok(error.message.includes(`Cannot connect to ${taken}`));
        return true;
      });
    })());
  });

  Deno.test(`${name} refuses reads on a connection closed here`, async () => {
    const world = make();
    await world.run((async () => {
      const { listener, client, server } = await connectPair(world);
      client.close();
      await assert.rejects(client.read(new Uint8Array(1)));
      server.close();
      listener.close();
    })());
  });
}

Deno.test("SimulatedWires.cut() breaks connections and silences new ones until mended", async () => {
  const clock = new SimulatedClock();
  const wires = new SimulatedWires({ clock, latencyMs: 1 });
  await clock.run((async () => {
    const listener = await wires.host("a").listen("a:7");
    const connection = await wires.host("b").connect("a:7", 50);
    wires.cut("a", "b");
    await assert.rejects(connection.read(new Uint8Array(1)), /reset/);
    const before = clock.now();
    await assert.rejects(wires.host("b").connect("a:7", 50), /no answer within 50 ms/);
    assert.equal(clock.now() - before, 50);
    wires.mend("a", "b");
    (await wires.host("b").connect("a:7", 50)).close();
    listener.close();
  })());
});
