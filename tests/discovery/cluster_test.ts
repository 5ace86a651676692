import { strict as assert } from "node:assert";
import { Cluster, eventually, type NodeProcess } from "../cluster/harness.ts";
import { testWith } from "../metrics/outside_program.ts";
import { takePort } from "../ports.ts";
import { ConsulServer } from "./consul_server.ts";
import { ConsulStandIn } from "./consul_stand_in.ts";
import { EtcdServer } from "./etcd_server.ts";
import { NameServer } from "./name_server.ts";

interface DiscoStatus {
  readonly mode: string;
  readonly last_addresses?: readonly string[];
}

async function discoOf(node: NodeProcess): Promise<DiscoStatus> {
  return (await node.status())["disco"] as DiscoStatus;
}

async function idsOf(node: NodeProcess): Promise<string[]> {
  const { body } = await node.fetch("/nodes?nonvoters");
  return Object.keys(JSON.parse(body)).sort();
}

/** Waits until each node knows all of them as members. */
async function together(nodes: readonly NodeProcess[]): Promise<void> {
  const ids = nodes.map(({ id }) => id).sort();
  for (const node of nodes) {
    await node.ready();
    await eventually(() => `${node.id} to know ${ids.join()}\n${node.log}`, async () => {
      assert.deepEqual(await idsOf(node), ids);
      return true;
    });
  }
}

function at(address: string): string[] {
  return ["-raft-addr", address, "-raft-adv-addr", address];
}

/** How nodes use a key store: the same for each of them. */
async function checkKeyStore(
  flags: readonly string[],
  leader: () => Promise<{ id: string; addr: string } | undefined>,
  put: (value: string | undefined) => Promise<void>,
): Promise<void> {
  await using cluster = await Cluster.start({ size: 0 });
  const nodes = [1, 2, 3].map(() => cluster.create(flags));
  // All at once: one of them begins, the others join it.
  for (const node of nodes) node.start();
  await together(nodes);
  assert.equal(nodes.filter(({ log }) => /wrote itself at .*, and begins/.test(log)).length, 1);
  const [first] = nodes;
  assert(first);
  const { version, newest } = JSON.parse((await first.fetch("/upgrade")).body);
  assert.equal(version, newest, "A cluster begins with the version of its release");
  await first.execute(["CREATE TABLE t (n)", "INSERT INTO t VALUES (7)"]);
  assert.deepEqual(await cluster.converged(["SELECT n FROM t"]), [[[7]]]);

  // The next leader is written down when it leads.
  const old = await cluster.leader();
  await old.kill();
  const next = await cluster.leader(old);
  await eventually("the next leader to be written down", async () => {
    assert.equal((await leader())?.addr, next.raftAddress);
    return true;
  });

  // An entry that leads nowhere does not keep a new node out: the leader's own node knows better.
  await put(`{"id":"gone","api_addr":"http://127.0.0.1:1","addr":"127.0.0.1:${takePort()}"}`);
  const late = cluster.create(flags);
  late.start();
  await late.ready();
  await eventually(
    "the stale entry to be written over",
    async () => (await leader())?.id === next.id,
  );

  // All of them come back elsewhere.
  old.start();
  await together(cluster.nodes);
  for (const node of cluster.nodes) await node.kill();
  for (const node of cluster.nodes) node.start(at(`127.0.0.1:${takePort()}`));
  await together(cluster.nodes);
  await first.execute(["INSERT INTO t VALUES (8)"]);
  assert.deepEqual(await cluster.converged(["SELECT n FROM t ORDER BY n"]), [[[7], [8]]]);
  const { mode, last_addresses } = await discoOf(first);
  assert.equal(mode, flags[1]);
  assert.ok(Array.isArray(last_addresses));
}

/** A node whose data are gone, with its own name in the store, joins not itself, and begins when told to. */
async function checkOwnStaleEntry(
  flags: readonly string[],
  put: (value: string | undefined) => Promise<void>,
): Promise<void> {
  await using cluster = await Cluster.start({ size: 0 });
  const node = cluster.create(flags);
  node.start();
  await node.ready();
  await node.kill();
  await Deno.remove(node.directory, { recursive: true });
  const before = node.log.length;
  node.start();
  await eventually(
    () => `the node to say why it waits\n${node.log}`,
    () => /names as leader this node itself.*delete the key/.test(node.log.slice(before)),
  );
  await put(undefined);
  await node.ready();
}

testWith("etcd", "nodes find each other by a real etcd, stale entries or not", async () => {
  await using server = await EtcdServer.start();
  const post = async (path: string, body: unknown) => {
    const response = await fetch(`${server.endpoint}/v3/kv/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    return await response.json();
  };
  const key = btoa("/db/leader");
  const leader = async () => {
    const { kvs } = await post("range", { key });
    return kvs === undefined ? undefined : JSON.parse(atob(kvs[0].value));
  };
  const put = async (value: string | undefined) => {
    if (value === undefined) await post("deleterange", { key });
    else await post("put", { key, value: btoa(value) });
  };
  const configuration = JSON.stringify({ endpoints: [server.endpoint] });
  const flags = ["-disco-mode", "etcd-kv", "-disco-config", configuration];
  await checkKeyStore([...flags, "-disco-key", "db"], leader, put);
  await post("deleterange", { key: btoa("/"), range_end: btoa("0") });
  await checkOwnStaleEntry([...flags, "-disco-key", "db"], put);
});

interface Consul {
  readonly address: string;
  /** Every key is deleted. */
  clear(): void | Promise<void>;
}

function consulFlags(address: string): string[] {
  const configuration = JSON.stringify({ address });
  return ["-disco-mode", "consul-kv", "-disco-config", configuration, "-disco-key", "db"];
}

async function checkConsul(server: Consul): Promise<void> {
  const url = `http://${server.address}/v1/kv/db/leader`;
  const leader = async () => {
    const response = await fetch(`${url}?raw`);
    const text = await response.text();
    return response.ok ? JSON.parse(text) : undefined;
  };
  const put = async (value: string | undefined) => {
    const method = value === undefined ? "DELETE" : "PUT";
    await (await fetch(url, { method, body: value ?? null })).body?.cancel();
  };
  const flags = consulFlags(server.address);
  await checkKeyStore(flags, leader, put);
  await server.clear();
  await checkOwnStaleEntry(flags, put);
}

Deno.test("nodes find each other by a stand-in for Consul, stale entries or not", async () => {
  await using server = new ConsulStandIn();
  await checkConsul(server);
});

testWith("consul", "nodes find each other by a real Consul, stale entries or not", async () => {
  await using server = await ConsulServer.start();
  await checkConsul(server);
});

testWith(
  "consul",
  "a real Consul finds a node well while it can serve, and its name server leads nodes to each other",
  async () => {
    await using server = await ConsulServer.start();
    const [name, service] = ["service.consul", "raftlite-raft"];
    const configuration = JSON.stringify({ name, service, name_server: server.dnsAddress });
    const flags = ["-disco-mode", "dns-srv", "-disco-config", configuration];
    await using cluster = await Cluster.start({ size: 0 });
    const nodes = [1, 2, 3].map(() => cluster.create([...flags, "-bootstrap-expect", "3"]));
    const times = { interval: "1s", timeout: "1s" };
    for (const { id, httpPort, raftPort, url } of nodes) {
      const served = { http: `${url}/readyz`, ...times };
      await server.register({ id: `sql-${id}`, name: "raftlite", port: httpPort, check: served });
      const there = { tcp: `127.0.0.1:${raftPort}`, ...times };
      await server.register({ id: `raft-${id}`, name: service, port: raftPort, check: there });
    }
    const healthOf = async (wanted: string, ...some: readonly NodeProcess[]) => {
      for (const { id } of some) {
        await eventually(
          `Consul to find ${id} ${wanted}`,
          async () => await server.healthOf(`sql-${id}`) === wanted,
        );
      }
    };
    const [first, second, third] = nodes;
    assert(first && second && third);
    first.start();
    second.start();
    await eventually("two nodes to find each other", async () => {
      return (await discoOf(first)).last_addresses?.length === 2;
    });
    await healthOf("critical", ...nodes);
    third.start();
    await together(nodes);
    await healthOf("passing", ...nodes);
    // The one that is left cannot serve: clients are not to be led to it.
    await second.kill();
    await third.kill();
    await healthOf("critical", ...nodes);
    second.start();
    third.start();
    await healthOf("passing", ...nodes);
  },
);

Deno.test("a node waits for a key store that cannot be reached, and says so", async () => {
  const address = `127.0.0.1:${takePort()}`;
  await using cluster = await Cluster.start({ size: 0 });
  const node = cluster.create([
    "-disco-mode",
    "consul-kv",
    "-disco-config",
    `{"address":"${address}"}`,
  ]);
  node.start();
  await eventually(
    () => `the node to say that it waits\n${node.log}`,
    () => /WARN .*consul-kv could not read rqlite\/leader in .*; it is tried again/.test(node.log),
  );
});

Deno.test("nodes find each other by SRV records of a real name server, and again at new addresses", async () => {
  await using server = await NameServer.start();
  const { hosts, services } = server.zone;
  const configuration = JSON.stringify({
    name: "db.test",
    service: "raft",
    name_server: server.address,
  });
  const flags = ["-disco-mode", "dns-srv", "-disco-config", configuration];
  await using cluster = await Cluster.start({ size: 0 });
  const nodes = [1, 2, 3].map(() => cluster.create([...flags, "-bootstrap-expect", "3"]));
  const publish = (addresses: readonly string[]) =>
    services.set(
      "_raft._tcp.db.test",
      addresses.map((address, i) => ({
        target: `pod-${i}.test`,
        port: Number(address.split(":")[1]),
      })),
    );
  const [first] = nodes;
  assert(first);
  first.start();
  await eventually(
    () => `the node to say that nobody is there\n${first.log}`,
    () =>
      /WARN .*dns-srv could not look up _raft._tcp.db.test. at .*; it is tried again/.test(
        first.log,
      ),
  );
  for (let i = 0; i < 4; i++) hosts.set(`pod-${i}.test`, ["127.0.0.1"]);
  publish(nodes.map((node) => node.raftAddress));
  for (const node of nodes.slice(1)) node.start();
  await together(nodes);
  await first.execute(["CREATE TABLE t (n)", "INSERT INTO t VALUES (7)"]);
  await cluster.converged(["SELECT n FROM t"]);
  for (const node of nodes) await node.kill();
  const addresses = nodes.map(() => `127.0.0.1:${takePort()}`);
  for (const [i, node] of nodes.entries()) node.start(at(addresses[i] ?? ""));
  publish(addresses);
  await together(nodes);
  await first.execute(["INSERT INTO t VALUES (8)"]);
  assert.deepEqual(await cluster.converged(["SELECT n FROM t ORDER BY n"]), [[[7], [8]]]);
  // A read replica needs no number of nodes to wait for.
  const replica = cluster.create([...flags, "-raft-non-voter"]);
  replica.start();
  await eventually(
    "the replica to hold the rows",
    async () => (await replica.query("SELECT n FROM t", "none")).length === 2,
  );
  assert.deepEqual([...(await discoOf(first)).last_addresses ?? []].sort(), [...addresses].sort());
});

Deno.test("a node that waits for its cluster answers probes, and has no leader, until it is in one", async () => {
  await using server = new ConsulStandIn();
  const flags = consulFlags(server.address);
  await using cluster = await Cluster.start({ size: 0 });
  // It may not begin a cluster itself.
  const replica = cluster.create([...flags, "-raft-non-voter"]);
  replica.start();
  const probe = await eventually("the replica to answer", () => replica.fetch("/readyz?noleader"));
  assert.deepEqual(probe, { status: 200, body: "[+]node ok" });
  const ready = await replica.fetch("/readyz");
  assert.deepEqual(ready, { status: 503, body: "[+]node ok\n[+]leader does not exist" });
  const query = await replica.fetch("/db/query?q=SELECT%201");
  assert.deepEqual(query, { status: 503, body: "leader not found\n" });
  assert.equal((await discoOf(replica)).mode, "consul-kv");
  const voter = cluster.create(flags);
  voter.start();
  await voter.ready();
  await replica.ready();
  await voter.execute(["CREATE TABLE t (n)", "INSERT INTO t VALUES (1)"]);
  await eventually(
    "the replica to hold the row",
    async () => (await replica.query("SELECT n FROM t", "none")).length === 1,
  );
});
