import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { connect } from "node:tls";
import { whyAlone } from "../../src/http/shared_port.ts";
import { withDirectory } from "../directory.ts";
import { Authority, type Issued } from "../tls/authority.ts";
import { testWithNodeTls } from "../tls/where_there_is_tls.ts";
import { type Asker, Cluster, eventually, type NodeProcess } from "./harness.ts";
import { Mount } from "./mount.ts";

const secret = "s3cret-of-all";
const token = "rl_the-token-itself";
const hash = `sha256:${createHash("sha256").update(token).digest("hex")}`;
const users = [
  { username: "root", password: secret, perms: ["all"], tokens: [{ name: "upkeep", hash }] },
  { username: "ro", password: secret, perms: ["query"] },
  {
    username: "some",
    password: secret,
    perms: ["query", "execute", "backup"],
    tables: { read: ["open"], write: ["open"] },
  },
  { username: "node", password: secret, perms: ["join"] },
  // What the harness itself asks.
  { username: "*", perms: ["ready"] },
];

function as(username: string, password = secret): Record<string, string> {
  return { authorization: `Basic ${btoa(`${username}:${password}`)}` };
}
const root = as("root");

type Line = Readonly<Record<string, unknown>>;

/** Nodes with users, each with an audit log of its own. */
class Audited implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly directory: string;
  readonly usersFile: string;

  private constructor(cluster: Cluster, directory: string) {
    this.cluster = cluster;
    this.directory = directory;
    this.usersFile = `${directory}/users.json`;
  }

  static async open(directory: string, asker: Asker = {}): Promise<Audited> {
    await Deno.writeTextFile(`${directory}/users.json`, JSON.stringify(users), { mode: 0o600 });
    return new Audited(await Cluster.start({ size: 0, ...asker }), directory);
  }

  async start(flags: readonly string[] = []): Promise<NodeProcess> {
    const node = this.cluster.create();
    const own = ["-auth", this.usersFile, "-audit-log", this.path(node)];
    node.start([...own, ...flags]);
    await node.ready();
    return node;
  }

  path(node: NodeProcess): string {
    return `${this.directory}/${node.id}.audit`;
  }

  async lines(node: NodeProcess): Promise<Line[]> {
    const text = await Deno.readTextFile(this.path(node));
    // What follows the last end of a line is being written.
    return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }

  /** Waits for a line with these members, among others, and returns it. */
  async line(node: NodeProcess, members: Line): Promise<Line> {
    return await eventually(`a line with ${JSON.stringify(members)}`, async () => {
      const lines = await this.lines(node);
      return lines.findLast((line) =>
        Object.entries(members).every(([name, value]) => {
          try {
            assert.deepEqual(line[name], value);
            return true;
          } catch {
            return false;
          }
        })
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }
}

function post(node: NodeProcess, path: string, body: unknown, headers = root) {
  return node.fetch(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

for (const threads of whyAlone() === undefined ? [1, 4] : [1]) {
  Deno.test(
    `who is refused is told of, with what and why, and without secrets or SQL, with -http-threads=${threads}`,
    () => withDirectory((directory) => refusalsAreTold(directory, threads)),
  );
}

async function refusalsAreTold(directory: string, threads: number): Promise<void> {
  await using audited = await Audited.open(directory);
  const node = await audited.start([`-http-threads=${threads}`]);
  const address = "127.0.0.1";
  assert.equal((await node.fetch("/db/query?q=SELECT%20hidden")).status, 401);
  const request = { what: "request", outcome: "refused", address };
  await audited.line(node, {
    ...request,
    method: "GET",
    path: "/db/query",
    status: 401,
    reason: "no credentials",
    needs: ["query"],
  });
  assert.equal((await node.fetch("/status", { headers: as("root", "wr0ng") })).status, 401);
  const guessed = await audited.line(node, { ...request, claimed_user: "root", status: 401 });
  assert.equal(guessed.reason, "no user of that name and password");
  assert(!("user" in guessed), "not proven");
  const bearer = { authorization: "Bearer rl_n0-such-token" };
  assert.equal((await node.fetch("/status", { headers: bearer })).status, 401);
  await audited.line(node, {
    ...request,
    reason: "no such token, or credentials that cannot be read",
  });
  assert.equal((await post(node, "/snapshot", {}, as("ro"))).status, 401);
  const lacking = await audited.line(node, { what: "snapshot", outcome: "refused", user: "ro" });
  assert.equal(lacking.reason, "the user lacks a permission");
  for (let i = 0; i < 12; i++) await node.fetch("/status", { headers: as("ro", "wr0ng") });
  await audited.line(node, { ...request, status: 429, claimed_user: "ro" });
  assert.equal((await node.fetch("/db/backup", { headers: as("some") })).status, 403);
  await audited.line(node, { what: "backup", outcome: "refused", user: "some", status: 403 });

  await post(node, "/db/execute", ["CREATE TABLE open (a)", "CREATE TABLE closed (a)"]);
  const table = { ...request, user: "some", table: "closed", status: 200 };
  const insert = ["INSERT INTO open VALUES ('hidden')", "INSERT INTO closed VALUES ('hidden')"];
  await post(node, "/db/execute", insert, as("some"));
  const reason = 'access to closed is prohibited: user "some" may not write it';
  await audited.line(node, { ...table, path: "/db/execute", reason });
  await post(node, "/db/query?associative", ["SELECT * FROM closed"], as("some"));
  await audited.line(node, { ...table, path: "/db/query" });
  await post(node, "/db/request", ["DELETE FROM closed", "SELECT 1"], as("some"));
  await audited.line(node, { ...table, path: "/db/request" });
  const execute = (sql: string) => ({ type: "execute", stmt: { sql } });
  for (const begin of [[], [execute("BEGIN")]]) {
    const requests = [...begin, ...insert.map(execute), { type: "close" }];
    await post(node, "/v2/pipeline", { requests }, as("some"));
  }
  const ofStream = { ...table, path: "/v2/pipeline", reason };
  await eventually("both lines of the stream", async () => {
    const lines = await audited.lines(node);
    return lines.filter(({ path, reason: told }) =>
      path === ofStream.path && told === ofStream.reason
    ).length === 2;
  });
  await audited.line(node, ofStream);
  const before = (await audited.lines(node)).length;
  await post(node, "/db/execute?queue&wait", insert, as("some"));
  await eventually("the queue's line", async () => (await audited.lines(node)).length > before);

  const { mode } = await Deno.stat(audited.path(node));
  assert.equal((mode ?? 0) & 0o777, 0o600);
  const text = await Deno.readTextFile(audited.path(node));
  for (const secrets of [secret, "wr0ng", "n0-such-token", "hidden", "Basic", "Bearer"]) {
    assert(!text.includes(secrets), secrets);
  }
  const { audit } = await statusOf(node);
  assert.equal(audit.events_lost, 0);
  assert.equal(audit.target, audited.path(node));
  const times = (await audited.lines(node)).map(({ time }) => Date.parse(String(time)));
  assert(times.every((time, i) => time >= (times[i - 1] ?? 0)), "in their order");
}

async function statusOf(node: NodeProcess) {
  const { status, body } = await node.fetch("/status", { headers: root });
  assert.equal(status, 200);
  return JSON.parse(body);
}

Deno.test("acts are told of where they are asked for and where they are done, with who asked", () =>
  withDirectory(async (directory) => {
    await using audited = await Audited.open(directory);
    const leader = await audited.start();
    await audited.line(leader, { what: "start", node: leader.id });
    await audited.line(leader, { what: "bootstrap", outcome: "ok", nodes: [leader.id] });
    const join = ["-join", leader.raftAddress];
    const refused = audited.cluster.create(["-auth", audited.usersFile, "-join-as", "ro"]);
    refused.start([...join, "-join-attempts", "5", "-join-interval", "100ms"]);
    await refused.exited();
    const told = await audited.line(leader, { what: "join", outcome: "refused" });
    assert.equal(told.claimed_user, "ro");
    assert.equal(told.target, refused.id);
    assert.equal(told.address, "127.0.0.1");

    const follower = await audited.start([...join, "-join-as", "node"]);
    await audited.line(leader, { what: "join", outcome: "ok", target: follower.id, user: "node" });
    // It asks the follower, which passes it on.
    const third = await audited.start(["-join", follower.raftAddress, "-join-as", "node"]);
    const asked = { what: "join", outcome: "ok", target: third.id, user: "node" };
    const atFollower = await audited.line(follower, asked);
    assert.equal(atFollower.forwarded_to, leader.raftAddress);
    assert(!("through_node" in atFollower));
    const atLeader = await audited.line(leader, { ...asked, through_node: follower.id });
    assert.equal(atLeader.address, "127.0.0.1");
    assert.equal(atLeader.through_address, "127.0.0.1");

    const removal = await follower.fetch("/remove", {
      method: "DELETE",
      body: JSON.stringify({ id: third.id }),
      headers: root,
    });
    assert.equal(removal.status, 200);
    const removed = { what: "remove", outcome: "ok", user: "root", target: third.id };
    await audited.line(follower, { ...removed, forwarded_to: leader.raftAddress });
    await audited.line(leader, { ...removed, through_node: follower.id, address: "127.0.0.1" });

    const file = await follower.fetch("/db/backup", { headers: root });
    assert.equal(file.status, 200);
    const backup = { what: "backup", user: "root", format: "binary" };
    await audited.line(follower, { ...backup, outcome: "begun" });
    const { bytes } = await audited.line(follower, { ...backup, outcome: "ok" });
    assert(Number(bytes) > 1000);
    const load = await follower.fetch("/db/load", {
      method: "POST",
      body: "CREATE TABLE loaded (hidden)",
      headers: root,
    });
    assert.equal(load.status, 200);
    await audited.line(follower, { what: "load", outcome: "ok", user: "root", form: "sql" });
    const broken = { method: "POST", body: "CREATE BROKEN hidden", headers: root };
    await follower.fetch("/db/load", broken);
    await audited.line(follower, { what: "load", outcome: "failed", user: "root" });
    await follower.fetch("/boot", { method: "POST", body: "no database", headers: root });
    await audited.line(follower, { what: "boot", outcome: "failed", status: 503 });
    await post(follower, "/snapshot", {});
    await audited.line(follower, { what: "snapshot", outcome: "ok", user: "root" });
    await post(follower, "/reap", {}, { authorization: `Bearer ${token}` });
    await audited.line(follower, { what: "reap", outcome: "ok", user: "root", token: "upkeep" });
    await eventually("the lead to go", async () => {
      return (await post(follower, "/leader", { id: follower.id })).status === 200;
    });
    const stepdown = { what: "stepdown", outcome: "ok", user: "root", target: follower.id };
    await audited.line(follower, stepdown);
    await audited.line(leader, { ...stepdown, through_node: follower.id });
    for (const node of [leader, follower]) {
      const text = await Deno.readTextFile(audited.path(node));
      assert(![secret, token, hash, "hidden"].some((one) => text.includes(one)));
    }
    await follower.kill("SIGTERM");
    await audited.line(follower, { what: "stop", outcome: "ok" });
  }));

Deno.test("how a cluster begins is told of, and how it is brought back without its majority", () =>
  withDirectory(async (directory) => {
    await using audited = await Audited.open(directory);
    const nodes = [audited.cluster.create(), audited.cluster.create()];
    const stranger = audited.cluster.create();
    const [first, second] = nodes;
    assert(first && second);
    const join = nodes.map((node) => node.raftAddress).join(",");
    const forming = ["-auth", audited.usersFile, "-bootstrap-expect", "2", "-join", join];
    const flagsOf = (node: NodeProcess) => ["-audit-log", audited.path(node), ...forming];
    first.start([...flagsOf(first), "-join-as", "node"]);
    stranger.start([...forming, "-join-as", "ro"]);
    const notice = { what: "notify", address: "127.0.0.1" };
    const kept = await audited.line(first, { ...notice, outcome: "refused", claimed_user: "ro" });
    assert.equal(kept.target, stranger.id);
    await stranger.end();
    second.start([...flagsOf(second), "-join-as", "node"]);
    for (const node of nodes) await node.ready();
    await audited.line(first, { ...notice, outcome: "ok", user: "node", target: second.id });
    // Who is not the former is told by the other of what is formed.
    const begun = { what: "bootstrap", outcome: "ok" };
    const lines = [await audited.line(first, begun), await audited.line(second, begun)];
    assert.equal(lines[0]?.cluster, lines[1]?.cluster);
    assert.deepEqual(lines.find(({ nodes }) => nodes)?.nodes, [first.id, second.id]);

    for (const node of nodes) await node.end();
    const left = [{ id: first.id, address: first.raftAddress, non_voter: false }];
    await Deno.writeTextFile(`${first.directory}/raft/peers.json`, JSON.stringify(left));
    first.start(["-auth", audited.usersFile, "-audit-log", audited.path(first)]);
    await first.ready();
    await audited.line(first, { what: "recover", outcome: "ok", nodes: [first.id] });
  }));

Deno.test("what the leader does to its members by itself is told of, without a user", () =>
  withDirectory(async (directory) => {
    await using audited = await Audited.open(directory);
    const leader = await audited.start(["-raft-reap-read-only-node-timeout", "10s"]);
    const replica = await audited.start([
      ...["-raft-non-voter", "-join", leader.raftAddress, "-join-as", "root"],
    ]);
    const joined = { what: "join", target: replica.id, as: "read replica", user: "root" };
    await audited.line(leader, { ...joined, outcome: "ok" });
    await replica.kill();
    const line = await audited.line(leader, { what: "remove", outcome: "ok", target: replica.id });
    assert.match(String(line.reason), /it was not heard from for/);
    assert(!("user" in line) && !("address" in line));
  }));

Deno.test("reloads are told of, SIGHUP begins a new file, and SQL is there where it is asked for", () =>
  withDirectory(async (directory) => {
    await using audited = await Audited.open(directory);
    const node = await audited.start(["-audit-log-sql"]);
    await post(node, "/db/execute", ["CREATE TABLE closed (a)"]);
    const statement = ["INSERT INTO closed VALUES (?)", "a parameter"];
    await post(node, "/db/execute", [statement], as("some"));
    const refused = await audited.line(node, { what: "request", table: "closed" });
    assert.equal(refused.sql, "INSERT INTO closed VALUES (?)");
    await node.fetch("/db/load", { method: "POST", body: "CREATE TABLE b (x)", headers: root });
    await audited.line(node, { what: "load", outcome: "ok", sql: "CREATE TABLE b (x)" });

    const path = audited.path(node);
    await Deno.writeTextFile(
      audited.usersFile,
      JSON.stringify([...users, { username: "new", password: "p", perms: [] }]),
    );
    await audited.line(node, { what: "reload", outcome: "ok", files: [audited.usersFile] });
    await Deno.rename(path, `${path}.1`);
    Deno.kill(node.pid, "SIGHUP");
    await eventually("a new file", async () => (await Deno.stat(path)).isFile);
    await audited.line(node, { what: "sighup", outcome: "ok" });
    await Deno.writeTextFile(audited.usersFile, "[");
    Deno.kill(node.pid, "SIGHUP");
    await audited.line(node, { what: "reload", outcome: "failed", kind: "The file of users" });
    assert(!(await Deno.readTextFile(`${path}.1`)).includes("a parameter"));
  }));

Deno.test("an audit log that cannot be written stops nothing, says so, and loses nothing until it can", () =>
  withDirectory(async (directory) => {
    await using audited = await Audited.open(directory);
    const node = audited.cluster.create();
    const away = `${directory}/away`;
    const path = `${away}/audit.log`;
    node.start(["-auth", audited.usersFile, "-audit-log", path]);
    await node.ready();
    await eventually("the log", () => node.log.includes("Audit lines cannot be written"));
    assert.match((await statusOf(node)).audit.error, /Cannot write .*No such file/);
    assert.equal((await post(node, "/db/execute", ["CREATE TABLE t (a)"])).status, 200);
    assert.equal((await node.fetch("/status")).status, 401);
    await Deno.mkdir(away);
    await eventually("the log", () => node.log.includes("Audit lines are written again"));
    const lines = (await Deno.readTextFile(path)).trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    assert.deepEqual(lines.map(({ what }) => what), ["start", "bootstrap", "request"]);
    assert.equal(node.log.split("Audit lines cannot be written").length, 2, "once");
    assert.equal((await statusOf(node)).audit.error, undefined);
  }));

Deno.test("an audit log on standard error stands between the lines of the log, each whole", () =>
  withDirectory(async (directory) => {
    await using audited = await Audited.open(directory);
    const node = audited.cluster.create();
    node.start(["-auth", audited.usersFile, "-audit-log", "stderr"]);
    await node.ready();
    assert.equal((await node.fetch("/status")).status, 401);
    await eventually("the line", () => node.log.includes('"what":"request","outcome":"refused"'));
    const lines = node.log.split("\n").filter((line) => line.startsWith("{"));
    assert.deepEqual(lines.map((line) => JSON.parse(line).what), ["start", "bootstrap", "request"]);
  }));

Deno.test("a disk that is full costs no request, and no line once there is room again", () =>
  withDirectory(async (directory) => {
    await using mount = await Mount.tmpfs(`${directory}/small`, 16 * 1024);
    if (mount === undefined) return;
    await using audited = await Audited.open(directory);
    const node = audited.cluster.create();
    const path = `${directory}/small/audit.log`;
    const refusals = async () => {
      const lines = (await Deno.readTextFile(path)).split("\n").slice(0, -1);
      return lines.filter((line) => JSON.parse(line).what === "request").length;
    };
    node.start(["-auth", audited.usersFile, "-audit-log", path]);
    await node.ready();
    await node.fetch("/status");
    await eventually("a line", async () => await refusals() === 1);
    const filler = `${directory}/small/filler`;
    await Deno.writeFile(filler, new Uint8Array(64 * 1024)).catch(() => {});
    for (let i = 0; i < 30; i++) assert.equal((await node.fetch("/status")).status, 401);
    await eventually("the log", () => node.log.includes("No space left"));
    assert.match((await statusOf(node)).audit.error, /No space left/);
    const { body: metrics } = await node.fetch("/metrics", { headers: root });
    assert.match(metrics, /^raftlite_audit_writable 0$/m);
    assert.match(metrics, /^raftlite_audit_events_lost_total 0$/m);
    assert.equal((await post(node, "/db/execute", ["CREATE TABLE t (a)"])).status, 200);
    await Deno.remove(filler);
    await eventually("all lines", async () => await refusals() === 31);
  }));

Deno.test("a file that does not answer holds up neither requests nor the end", () =>
  withDirectory(async (directory) => {
    await using audited = await Audited.open(directory);
    const node = audited.cluster.create();
    const path = `${directory}/pipe`;
    // Nobody reads it: to open it for writing waits for ever.
    await new Deno.Command("mkfifo", { args: [path] }).output();
    node.start(["-auth", audited.usersFile, "-audit-log", path]);
    await node.ready();
    assert.equal((await node.fetch("/status")).status, 401);
    assert.equal((await node.kill("SIGTERM")).code, 0);
    await node.logs(/4 audit lines are lost: they could not be written/);
  }));

testWithNodeTls(
  "who shows no certificate, or not the right one, is told of at both ports",
  () =>
    withDirectory(async (directory) => {
      const authority = await Authority.create(directory);
      const { certPath, keyPath } = await authority.issue({ name: "node" });
      const other = await Authority.create(directory, "other");
      const stranger = await other.issue({ name: "stranger" });
      const ca = await Deno.readTextFile(authority.caPath);
      const pem = async (issued: Issued) => ({
        cert: await Deno.readTextFile(issued.certPath),
        key: await Deno.readTextFile(issued.keyPath),
      });
      using client = Deno.createHttpClient({ caCerts: [ca], ...await pem({ certPath, keyPath }) });
      await using audited = await Audited.open(directory, { client });
      const node = await audited.start([
        ...["-http-cert", certPath, "-http-key", keyPath],
        ...["-http-verify-client", "-http-ca-cert", authority.caPath],
        ...["-node-cert", certPath, "-node-key", keyPath],
        ...["-node-verify-client", "-node-ca-cert", authority.caPath],
      ]);
      const refused = { what: "connection", outcome: "refused", address: "127.0.0.1" };
      using without = Deno.createHttpClient({ caCerts: [ca] });
      await assert.rejects(fetch(`${node.url}/readyz`, { client: without }));
      await audited.line(node, { ...refused, port: "http" });

      const shown = await pem(stranger);
      for (
        const [certificate, reason] of [[{}, /no certificate/i], [shown, /certificate/i]] as const
      ) {
        const before = (await audited.lines(node)).length;
        const socket = connect({ port: node.raftPort, host: "127.0.0.1", ca, ...certificate });
        socket.on("error", () => {});
        socket.write("raft");
        await eventually("a line", async () => (await audited.lines(node)).length > before);
        socket.destroy();
        const told = await audited.line(node, { ...refused, port: "raft" });
        assert.match(String(told.reason), reason);
      }
    }),
);

Deno.test({
  name: "-http-threads: who shows no certificate is told of by each thread, also at the node's end",
  ignore: whyAlone({ forCertificates: true }) !== undefined,
  fn: () =>
    withDirectory(async (directory) => {
      const authority = await Authority.create(directory);
      const { certPath, keyPath } = await authority.issue({ name: "node" });
      const [ca = "", cert = "", key = ""] = await Promise.all(
        [authority.caPath, certPath, keyPath].map((path) => Deno.readTextFile(path)),
      );
      using client = Deno.createHttpClient({ caCerts: [ca], cert, key });
      await using audited = await Audited.open(directory, { client });
      const node = await audited.start([
        ...["-http-threads=3", "-http-cert", certPath, "-http-key", keyPath],
        ...["-http-verify-client", "-http-ca-cert", authority.caPath],
      ]);
      const refused = async () =>
        (await audited.lines(node)).filter(({ what, port, outcome }) =>
          what === "connection" && port === "http" && outcome === "refused"
        ).length;
      const knockers = 24;
      const knock = async () => {
        using without = Deno.createHttpClient({ caCerts: [ca], poolMaxIdlePerHost: 0 });
        await assert.rejects(fetch(`${node.url}/readyz`, { client: without }));
      };
      await Promise.all(Array.from({ length: knockers }, knock));
      await eventually("a line for each", async () => await refused() === knockers);
      await Promise.all(Array.from({ length: knockers }, knock));
      assert.equal((await node.kill("SIGTERM")).code, 0);
      assert.equal(await refused(), 2 * knockers);
    }),
});

testWithNodeTls(
  "what speaks another protocol at the Raft port is told of",
  () =>
    withDirectory(async (directory) => {
      await using audited = await Audited.open(directory);
      const secretFile = `${directory}/node-secret`;
      await Deno.writeTextFile(secretFile, "0123456789abcdef0123456789abcdef", { mode: 0o600 });
      const node = await audited.start(["-node-auto-tls", secretFile]);
      using plain = await Deno.connect({ hostname: "127.0.0.1", port: node.raftPort });
      await plain.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
      const told = await audited.line(node, {
        what: "connection",
        outcome: "refused",
        port: "raft",
      });
      assert.equal(told.address, "127.0.0.1");
      assert.match(String(told.reason), /speaks neither TLS nor/);
    }),
);
