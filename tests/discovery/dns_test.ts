import { strict as assert } from "node:assert";
import { DnsDiscovery, DnsSrvDiscovery } from "../../src/discovery/dns.ts";
import { JsonConfiguration } from "../../src/discovery/json_configuration.ts";
import { DiscoveryError } from "../../src/discovery/types.ts";
import { NameServer } from "./name_server.ts";

function dns(configuration: Readonly<Record<string, unknown>>): DnsDiscovery {
  return new DnsDiscovery(JsonConfiguration.read("dns", JSON.stringify(configuration)), 4002);
}

function srv(configuration: Readonly<Record<string, unknown>>): DnsSrvDiscovery {
  return new DnsSrvDiscovery(JsonConfiguration.read("dns-srv", JSON.stringify(configuration)));
}

Deno.test("DnsDiscovery finds all addresses of a name, as they are now", async () => {
  await using server = await NameServer.start();
  const { hosts } = server.zone;
  hosts.set("db.test", ["10.0.0.2", "10.0.0.1", "fd00::1"]);
  const subject = dns({ name: "db.test", name_server: server.address });
  assert.deepEqual(await subject.look(), ["10.0.0.1:4002", "10.0.0.2:4002", "[fd00::1]:4002"]);
  hosts.set("db.test", ["10.0.0.9"]);
  assert.deepEqual(await subject.look(), ["10.0.0.9:4002"]);
  const { last_contact, ...figures } = subject.figures();
  assert.match(String(last_contact), /^20\d\d-/);
  assert.deepEqual(figures, {
    mode: "dns",
    name: "db.test",
    port: 4002,
    last_addresses: ["10.0.0.9:4002"],
    last_error: undefined,
  });
  const other = dns({ name: "db.test", port: 5002, name_server: server.address });
  assert.deepEqual(await other.look(), ["10.0.0.9:5002"]);
});

Deno.test("DnsDiscovery says which name it could not look up, where and why", async () => {
  await using server = await NameServer.start();
  const subject = dns({ name: "nobody.test", name_server: server.address });
  await assert.rejects(subject.look(), (error) => {
    assert.ok(error instanceof DiscoveryError);
    const text = `Discovery by dns could not look up nobody.test at ${server.address}: `;
    assert.ok(error.message.startsWith(text), error.message);
    assert.equal(subject.figures().last_error, error.message);
    return true;
  });
  await assert.rejects(dns({ name: "nobody.invalid" }).look(), /look up nobody\.invalid: /);
});

Deno.test("DnsDiscovery knows the machine's own names", async () => {
  const found = await dns({ name: "localhost" }).look();
  assert.ok(found.includes("127.0.0.1:4002"), found.join());
});

Deno.test("DnsSrvDiscovery finds each node's address and port, and passes over targets that are gone", async () => {
  await using server = await NameServer.start();
  const { hosts, services } = server.zone;
  hosts.set("a.test", ["10.0.0.1"]);
  hosts.set("b.test", ["10.0.0.2", "fd00::2"]);
  services.set("_raft._tcp.db.test", [
    { target: "b.test", port: 6002 },
    { target: "a.test", port: 5002 },
    { target: "gone.test", port: 7002 },
  ]);
  const subject = srv({ name: "db.test", service: "raft", name_server: server.address });
  assert.deepEqual(await subject.look(), ["10.0.0.1:5002", "10.0.0.2:6002", "[fd00::2]:6002"]);
  assert.equal(subject.figures()["dns_name"], "_raft._tcp.db.test.");
  const wrong = srv({ name: "db.test", service: "other", name_server: server.address });
  await assert.rejects(wrong.look(), /dns-srv could not look up _other\._tcp\.db\.test\. at /);
});

Deno.test("DnsDiscovery gives up on a name server that does not answer", async () => {
  const silent = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  const subject = dns({ name: "db.test", name_server: `127.0.0.1:${port}` });
  await assert.rejects(
    subject.look(),
    /db\.test at 127\.0\.0\.1:\d+: .*(no answer within 5 s|timed out)/,
  );
  silent.close();
});

Deno.test("The addresses of the environment take the place of a look-up", async () => {
  Deno.env.set("RAFTLITE_DISCO_DNS_HOSTS", "h2:1, h1:1");
  try {
    assert.deepEqual(await dns({ name: "nobody.invalid" }).look(), ["h1:1", "h2:1"]);
  } finally {
    Deno.env.delete("RAFTLITE_DISCO_DNS_HOSTS");
  }
});

Deno.test("DnsDiscovery refuses what cannot be a port or a name server", () => {
  assert.throws(() => dns({ port: 0 }), /-disco-config for dns: port must be from 1 to 65535/);
  assert.throws(() => dns({ port: "4002" }), /port must be a whole number/);
  assert.throws(() => dns({ name_server: "ns.test:53" }), /name_server must be an IP address/);
});
