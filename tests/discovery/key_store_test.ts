import { strict as assert } from "node:assert";
import { ConsulStore } from "../../src/discovery/consul.ts";
import { EtcdStore } from "../../src/discovery/etcd.ts";
import { JsonConfiguration } from "../../src/discovery/json_configuration.ts";
import { KeyDiscovery, type KeyStore } from "../../src/discovery/key_store.ts";
import { DiscoveryError, type Entry } from "../../src/discovery/types.ts";
import { testWith } from "../metrics/outside_program.ts";
import { takePort } from "../ports.ts";
import { withDirectory } from "../directory.ts";
import { Authority } from "../tls/authority.ts";
import { ConsulServer } from "./consul_server.ts";
import { ConsulStandIn } from "./consul_stand_in.ts";
import { EtcdServer } from "./etcd_server.ts";

function etcdStore(configuration: Readonly<Record<string, unknown>>): EtcdStore {
  return new EtcdStore(JsonConfiguration.read("etcd-kv", JSON.stringify(configuration)), true);
}

function consulStore(configuration: Readonly<Record<string, unknown>>): ConsulStore {
  return new ConsulStore(JsonConfiguration.read("consul-kv", JSON.stringify(configuration)));
}

/** What every store must do. */
async function checkStore(store: KeyStore): Promise<void> {
  assert.equal(await store.get("k/leader"), undefined);
  assert.deepEqual(await store.list("k/nodes/"), []);
  assert.equal(await store.create("k/leader", "första"), true);
  assert.equal(await store.create("k/leader", "second"), false);
  assert.equal(await store.get("k/leader"), "första");
  await store.put("k/leader", "third");
  assert.equal(await store.get("k/leader"), "third");
  await store.putForNow("k/nodes/1", "one");
  await store.putForNow("k/nodes/1", "one again");
  await store.putForNow("k/nodes/a%2Fb", "two");
  await store.put("k/nodesX", "not one of them");
  assert.deepEqual([...await store.list("k/nodes/")].sort(), ["one again", "two"]);
}

function entry(id: string, addr: string): Entry {
  return { id, api_addr: `http://${addr}`, addr };
}

/** The cluster's key as the nodes use it. */
async function checkDiscovery(one: KeyDiscovery, other: KeyDiscovery): Promise<void> {
  assert.equal(await one.leader(), undefined);
  assert.deepEqual(await one.look(), []);
  assert.deepEqual(
    await Promise.all([one.claim(entry("1", "h1:1")), other.claim(entry("2", "h2:1"))]).then((
      won,
    ) => won.sort()),
    [false, true],
  );
  await other.report(entry("2", "h2:1"), true);
  await one.report({ ...entry("1", "h1:1"), server_id: "1/0a" }, false);
  assert.deepEqual(await one.leader(), entry("2", "h2:1"));
  assert.deepEqual(await other.look(), ["h1:1", "h2:1"]);
  await one.report(entry("1", "h1:9"), false);
  assert.deepEqual(await other.look(), ["h1:9", "h2:1"]);
}

testWith("etcd", "EtcdStore keeps keys and values in a real etcd", async () => {
  await using server = await EtcdServer.start();
  await checkStore(etcdStore({ endpoints: ["127.0.0.1:1", server.endpoint] }));
});

testWith(
  "etcd",
  "KeyDiscovery names leader and nodes in a real etcd, in rqlite's form",
  async () => {
    await using server = await EtcdServer.start();
    const open = () => {
      const store = etcdStore({ endpoints: [server.endpoint] });
      return new KeyDiscovery({ mode: "etcd-kv", at: store.at, key: "/db", store });
    };
    await checkDiscovery(open(), open());
    const store = etcdStore({ endpoints: [server.endpoint] });
    const value = await store.get("/db/leader");
    assert.equal(value, '{"id":"2","api_addr":"http://h2:1","addr":"h2:1"}');
    const subject = open();
    await store.put("/db/leader", "no node");
    await assert.rejects(subject.look(), (error) => {
      assert.ok(error instanceof DiscoveryError);
      assert.match(
        error.message,
        /^Discovery by etcd-kv: \/db\/leader in http.* does not hold a node/,
      );
      return true;
    });
  },
);

testWith(
  "etcd",
  "what a node writes of itself goes from a real etcd with its lease, the leader stays",
  async () => {
    await using server = await EtcdServer.start();
    const store = etcdStore({ endpoints: [server.endpoint] });
    const subject = new KeyDiscovery({ mode: "etcd-kv", at: store.at, key: "/db", store });
    await subject.report(entry("1", "h1:1"), true);
    const post = async (path: string, body: unknown) => {
      const response = await fetch(`${server.endpoint}/v3/${path}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      return await response.json();
    };
    const { leases } = await post("lease/leases", {});
    assert.equal(leases.length, 1);
    const { TTL } = await post("lease/timetolive", { ID: leases[0].ID });
    assert.ok(Number(TTL) > 30 && Number(TTL) <= 60, TTL);
    await post("lease/revoke", { ID: leases[0].ID });
    assert.deepEqual(await store.list("/db/nodes/"), []);
    assert.deepEqual(await subject.leader(), entry("1", "h1:1"));
    await subject.report(entry("1", "h1:1"), false);
    assert.equal((await store.list("/db/nodes/")).length, 1);
  },
);

testWith(
  "etcd",
  "EtcdStore shows a real etcd who its user is, and again when the token has ended",
  async () => {
    await using server = await EtcdServer.start();
    const post = async (path: string, body: unknown, token = "") => {
      const response = await fetch(`${server.endpoint}/v3/auth/${path}`, {
        method: "POST",
        headers: token === "" ? {} : { authorization: token },
        body: JSON.stringify(body),
      });
      const answer = await response.json();
      assert.equal(response.status, 200, JSON.stringify(answer));
      return answer;
    };
    await post("user/add", { name: "root", password: "secret" });
    await post("role/add", { name: "root" });
    await post("user/grant", { user: "root", role: "root" });
    await post("enable", {});
    const stranger = etcdStore({ endpoints: [server.endpoint] });
    await assert.rejects(stranger.get("k"), /user name is empty/);
    const wrong = etcdStore({ endpoints: [server.endpoint], username: "root", password: "no" });
    await assert.rejects(wrong.get("k"), /authentication failed/);
    const store = etcdStore({ endpoints: [server.endpoint], username: "root", password: "secret" });
    await checkStore(store);
    // A change of the password ends all tokens of its user.
    const { token } = await post("authenticate", { name: "root", password: "secret" });
    await post("user/changepw", { name: "root", password: "secret" }, token);
    assert.equal(await store.get("k/leader"), "third");
  },
);

interface Consul {
  readonly address: string;
  clear(): void | Promise<void>;
  endSessions(): void | Promise<void>;
}

async function checkConsul(server: Consul): Promise<void> {
  await checkStore(consulStore({ address: server.address }));
  await server.clear();
  const open = () => {
    const store = consulStore({ address: server.address });
    return new KeyDiscovery({ mode: "consul-kv", at: store.at, key: "db", store });
  };
  await checkDiscovery(open(), open());
  await server.endSessions();
  const subject = open();
  assert.deepEqual(await subject.look(), ["h2:1"]);
  await subject.report(entry("3", "h3:1"), false);
  // An earlier life of a node may hold its key still.
  await open().report(entry("3", "h3:2"), false);
  assert.deepEqual(await subject.look(), ["h2:1", "h3:2"]);
}

Deno.test("ConsulStore keeps keys and values in a stand-in for Consul", async () => {
  await using server = new ConsulStandIn();
  await checkConsul(server);
});

testWith("consul", "ConsulStore keeps keys and values in a real Consul", async () => {
  await using server = await ConsulServer.start();
  await checkConsul(server);
});

testWith("consul", "ConsulStore needs of a real Consul what docs/discovery.md says", async () => {
  const root = "7ea2ad0e-8c1b-4b2a-9f3a-5d1c2b3a4f5e";
  await using server = await ConsulServer.start(
    `acl { enabled = true, default_policy = "deny", tokens { initial_management = "${root}", agent = "${root}" } }`,
  );
  const rights = 'key_prefix "db/" { policy = "write" } session_prefix "" { policy = "write" }';
  const token = await server.newToken(root, rights);
  await assert.rejects(
    consulStore({ address: server.address, token: "2b1e5a86-0000-4000-8000-000000000000" }).get(
      "db/leader",
    ),
    /403|ACL not found/,
  );
  const store = consulStore({ address: server.address, token });
  const subject = new KeyDiscovery({ mode: "consul-kv", at: store.at, key: "db", store });
  assert.equal(await subject.claim(entry("1", "h1:1")), true);
  await subject.report(entry("1", "h1:1"), true);
  await subject.report(entry("1", "h1:1"), true);
  assert.deepEqual(await subject.look(), ["h1:1"]);
});

Deno.test("KeyDiscovery lets no node of another cluster take the key over", async () => {
  await using server = new ConsulStandIn();
  const store = consulStore({ address: server.address });
  const subject = new KeyDiscovery({ mode: "consul-kv", at: store.at, key: "db", store });
  const of = (id: string, cluster_id: string) => ({ ...entry(id, `h${id}:1`), cluster_id });
  const [ours, theirs] = ["00000000000000aa", "00000000000000bb"];
  // What rqlite wrote, or an earlier release, says nothing of a cluster.
  await subject.report(entry("1", "h1:1"), true);
  await subject.report(of("1", ours), true);
  for (const isLeader of [true, false]) {
    await assert.rejects(
      subject.report(of("2", theirs), isLeader),
      /it is of cluster 00000000000000aa, and this node of cluster 00000000000000bb: .*delete the key/,
    );
  }
  assert.deepEqual(await subject.leader(), of("1", ours));
  assert.deepEqual(await subject.look(), ["h1:1"]);
  await subject.report(of("3", ours), true);
  assert.deepEqual(await subject.look(), ["h1:1", "h3:1"]);
});

Deno.test("ConsulStore tells Consul's stand-in what its configuration says", async () => {
  await using server = new ConsulStandIn();
  const tokenFile = await Deno.makeTempFile({ prefix: "raftlite-test-" });
  await Deno.writeTextFile(tokenFile, "first\n");
  const store = consulStore({
    Address: server.address,
    token_file: tokenFile,
    datacenter: "dc9",
    namespace: "n",
    partition: "p",
    unknown: 1,
  });
  await store.get("k");
  await Deno.writeTextFile(tokenFile, "second");
  await store.get("k");
  assert.deepEqual(server.tokens, ["first", "second"]);
  assert.equal(server.queries[0]?.toString(), "dc=dc9&ns=n&partition=p&raw=true");
  await Deno.remove(tokenFile);
});

Deno.test("KeyDiscovery says which store and key could not be read, and why", async () => {
  const store = consulStore({ address: `127.0.0.1:${takePort()}` });
  const subject = new KeyDiscovery({ mode: "consul-kv", at: store.at, key: "db", store });
  await assert.rejects(subject.look(), (error) => {
    assert.ok(error instanceof DiscoveryError);
    const text = `Discovery by consul-kv could not read db/leader in ${store.at}: `;
    assert.ok(error.message.startsWith(text), error.message);
    assert.match(error.message, /refused/);
    return true;
  });
});

Deno.test("JsonConfiguration is a file or text, with the environment's values", async () => {
  Deno.env.set("RAFTLITE_TEST_TOKEN", "s3cret");
  const file = await Deno.makeTempFile({ prefix: "raftlite-test-" });
  try {
    const text = '{"token": "$RAFTLITE_TEST_TOKEN", "scheme": "${RAFTLITE_TEST_TOKEN}s"}';
    await Deno.writeTextFile(file, text);
    for (const given of [text, file]) {
      const subject = JsonConfiguration.read("consul-kv", given);
      assert.equal(subject.text("token"), "s3cret");
      assert.equal(subject.text("scheme"), "s3crets");
    }
    const broken = "{secret";
    assert.throws(
      () => JsonConfiguration.read("dns", broken),
      (error) => error instanceof DiscoveryError && !error.message.includes("secret"),
    );
    assert.throws(() => JsonConfiguration.read("dns", "[]"), /must be a JSON object/);
  } finally {
    Deno.env.delete("RAFTLITE_TEST_TOKEN");
    await Deno.remove(file);
  }
});

Deno.test("Key stores refuse configurations that cannot be meant", () => {
  assert.throws(() => etcdStore({}), /etcd-kv: endpoints must name etcd/);
  assert.throws(() => etcdStore({ endpoints: ["http://"] }), /endpoints cannot have http:\/\//);
  assert.throws(
    () => consulStore({ address: "http://h:8500" }),
    /address cannot be .* has a scheme/,
  );
  assert.throws(() => consulStore({ scheme: "ftp" }), /scheme must be http or https/);
  assert.throws(
    () => consulStore({ tls_config: { insecure_skip_verify: true } }),
    /name the authority by ca_file/,
  );
  assert.throws(
    () => consulStore({ tls_config: { ca_file: "nosuch.pem" } }),
    /tls_config\.ca_file cannot be read/,
  );
});

testWith("etcd", "EtcdStore speaks TLS with a real etcd that asks for certificates", async () => {
  await withDirectory(async (directory) => {
    const authority = await Authority.create(directory);
    const { certPath, keyPath } = await authority.issue({ name: "etcd" });
    const client = await authority.issue({ name: "node" });
    const asks = ["--client-cert-auth", "--trusted-ca-file", authority.caPath];
    const own = ["--cert-file", certPath, "--key-file", keyPath];
    await using server = await EtcdServer.start("https", [...own, ...asks]);
    const endpoints = [server.endpoint.replace("https://", "")];
    const ca_file = authority.caPath;
    const tls_config = { ca_file, cert_file: client.certPath, key_file: client.keyPath };
    await checkStore(etcdStore({ endpoints, tls_config }));
    await assert.rejects(etcdStore({ endpoints: [server.endpoint] }).get("k"), /certificate/i);
    await assert.rejects(etcdStore({ endpoints, tls_config: { ca_file } }).get("k"));
  });
  // A store's connections live as long as its node: only Deno 2.4 counts them.
}, { sanitizeResources: false });
