/** Three nodes with all that protects them: HTTPS, TLS between nodes, users. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { whyAlone } from "../../src/http/shared_port.ts";
import { withDirectory } from "../directory.ts";
import { Authority } from "../tls/authority.ts";
import { testWithNodeTls } from "../tls/where_there_is_tls.ts";
import { basic } from "./basic.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

const root = basic("root", "of-root");
const named = [
  { username: "root", password: "of-root", perms: ["all"] },
  { username: "ann", password: "of-ann", perms: ["query"] },
];

/** Files as Kubernetes mounts them: links into a directory that is a link itself, and is swapped. */
class Mount {
  readonly #directory: string;
  #versions = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  path(name: string): string {
    return join(this.#directory, name);
  }

  async swap(contents: Readonly<Record<string, string>>): Promise<void> {
    const version = `..version-${this.#versions++}`;
    await Deno.mkdir(this.path(version), { recursive: true });
    for (const [name, text] of Object.entries(contents)) {
      await Deno.writeTextFile(this.path(join(version, name)), text);
      await Deno.symlink(`..data/${name}`, this.path(name)).catch((error) => {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      });
    }
    await Deno.symlink(version, this.path("..next"));
    await Deno.rename(this.path("..next"), this.path("..data"));
  }
}

interface Protected {
  readonly cluster: Cluster;
  readonly mount: Mount;
  /** Contents of new files: a certificate of this common name, and these users. */
  files(commonName: string, users: readonly object[]): Promise<Record<string, string>>;
  /** A client that keeps no connection. */
  anew(): Deno.HttpClient;
}

async function withProtected(
  run: (parts: Protected) => Promise<void>,
  more: readonly string[] = [],
): Promise<void> {
  await withDirectory(async (directory) => {
    const authority = await Authority.create(directory);
    const caCerts = [await Deno.readTextFile(authority.caPath)];
    const mount = new Mount(join(directory, "mount"));
    const files = async (commonName: string, users: readonly object[]) => {
      const { certPath, keyPath } = await authority.issue({ name: "issued", commonName });
      return {
        "tls.crt": await Deno.readTextFile(certPath),
        "tls.key": await Deno.readTextFile(keyPath),
        "users.json": JSON.stringify(users),
      };
    };
    await mount.swap(await files("first", named));
    const pair = { cert: mount.path("tls.crt"), key: mount.path("tls.key") };
    const flags = [
      ...["-http-cert", pair.cert, "-http-key", pair.key],
      ...["-node-cert", pair.cert, "-node-key", pair.key],
      ...["-node-ca-cert", authority.caPath, "-node-verify-client"],
      ...["-auth", mount.path("users.json"), "-join-as", "root", ...more],
    ];
    using client = Deno.createHttpClient({ caCerts });
    await using cluster = await Cluster.start({ flags, client, authorization: root });
    const anew = () => Deno.createHttpClient({ caCerts, poolMaxIdlePerHost: 0 });
    await run({ cluster, mount, files, anew });
  });
}

/** The subject of the certificate that a port shows. */
async function shownBy(port: number): Promise<string> {
  const args = ["s_client", "-connect", `127.0.0.1:${port}`];
  const { stdout } = await new Deno.Command("openssl", { args, stdin: "null", stderr: "null" })
    .output();
  return /^subject=.*$/m.exec(new TextDecoder().decode(stdout))?.[0] ?? "";
}

function post(node: NodeProcess, path: string, body: unknown, authorization = root) {
  return node.fetch(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", authorization },
  });
}

testWithNodeTls(
  "three nodes with HTTPS, TLS between them and users work as any",
  () =>
    withProtected(async ({ cluster }) => {
      const follower = await cluster.follower();
      await follower.execute(["CREATE TABLE t (a)"]);
      const insert = ["INSERT INTO t VALUES (1)"];
      await follower.execute(insert);
      assert.equal((await post(follower, "/db/execute?queue&wait", insert)).status, 200);
      assert.equal((await post(follower, "/db/request", [...insert, "SELECT 1"])).status, 200);
      assert.deepEqual(await follower.query("SELECT count(*) FROM t", "strong"), [[3]]);
      const ann = basic("ann", "of-ann");
      assert.equal((await post(follower, "/db/query", ["SELECT 1"], ann)).status, 200);
      assert.equal((await post(follower, "/db/execute", insert, ann)).status, 401);
      assert.match((await follower.fetch("/db/backup")).body, /^SQLite format 3/);
      assert.equal((await post(follower, "/db/load", "DELETE FROM t")).status, 200);
      const nodes: Record<string, { api_addr: string; reachable: boolean }> = JSON.parse(
        (await follower.fetch("/nodes")).body,
      );
      for (const { api_addr, reachable } of Object.values(nodes)) {
        assert.match(api_addr, /^https:\/\//);
        assert.equal(reachable, true);
      }
      const { open, max, refused } = JSON.parse(
        (await follower.fetch("/status?key=http.connections")).body,
      );
      assert.deepEqual([open >= 1, max, refused], [true, 8192, 0]);
      // To a follower that is named, asked of another.
      const leader = await cluster.leader();
      const next = cluster.nodes.find((node) => node !== leader && node !== follower);
      assert.ok(next !== undefined);
      await eventually("the other leader", async () => {
        if (await follower.leaderId() === next.id) return true;
        const { status, body } = await post(follower, "/leader?wait", { id: next.id });
        // A busy machine may take too long over it.
        assert.ok(status === 200 || status >= 500, body);
        return false;
      });
      await follower.execute(insert);
    }),
);

for (const threads of whyAlone() === undefined ? [1, 2] : [1]) {
  testWithNodeTls(
    `certificates and users are swapped under load without one failed request, with -http-threads=${threads}`,
    () => withProtected(swapped, [`-http-threads=${threads}`]),
  );
}

async function swapped({ cluster, mount, files, anew }: Protected): Promise<void> {
  await cluster.nodes[0]?.execute(["CREATE TABLE t (a)"]);
  const failures: string[] = [];
  let answers = 0;
  let over = false;
  const count = (what: string, { status, body }: { status: number; body: string }) => {
    if (status === 200 && !body.includes('"error"')) answers++;
    else failures.push(`${what}: ${status} ${body}`);
  };
  const until = async (
    what: string,
    again: () => Promise<{ status: number; body: string }>,
  ) => {
    while (!over && failures.length === 0) {
      await again().then((answer) => count(what, answer), (error) => {
        failures.push(`${what}: ${error}`);
      });
    }
  };
  const loads = cluster.nodes.flatMap((node) => [
    until("a write", () => post(node, "/db/execute", ["INSERT INTO t VALUES (1)"])),
    until("a read by a new connection", async () => {
      using client = anew();
      const url = `${node.url}/db/query?q=SELECT+1`;
      const answer = await fetch(url, { client, headers: { authorization: root } });
      return { status: answer.status, body: await answer.text() };
    }),
  ]);
  const someAnswers = async () => {
    const before = answers;
    await eventually("answers", () => answers >= before + 100 || failures.length > 0);
  };
  const hangUp = () => {
    for (const { pid } of cluster.nodes) Deno.kill(pid, "SIGHUP");
  };
  const show = (commonName: string) =>
    eventually(`the certificate ${commonName} at all ports`, async () => {
      const ports = cluster.nodes.flatMap((node) => [node.httpPort, node.raftPort]);
      const shown = await Promise.all(ports.map(shownBy));
      return shown.every((subject) => subject.endsWith(commonName));
    });
  const mayAnn = (path: string) =>
    Promise.all(cluster.nodes.map(async (node) => {
      const headers = { authorization: basic("ann", "of-ann") };
      return (await node.fetch(path, { headers })).status === 200;
    }));
  await someAnswers();
  await show("first");
  assert.deepEqual(await mayAnn("/status"), [false, false, false]);
  const more = [named[0] ?? {}, { ...named[1], perms: ["status"] }];
  for (const round of ["second", "third"]) {
    await mount.swap(await files(round, more));
    hangUp();
    await show(round);
    await eventually("the new right", async () => (await mayAnn("/status")).every(Boolean));
    assert.deepEqual(await mayAnn("/db/query?q=SELECT+1"), [false, false, false]);
    await someAnswers();
  }
  // A key of another certificate, and half a list of users.
  const { "tls.key": key = "", "users.json": users = "" } = await files("broken", more);
  const good = await files("third again", more);
  await mount.swap({ ...good, "tls.key": key, "users.json": users.slice(0, -1) });
  hangUp();
  await eventually("all nodes to refuse the files", () =>
    cluster.nodes.every(({ log }) => {
      return /ERROR .*The certificate for HTTPS stays as it was/.test(log) &&
        /ERROR .*certificate for the other nodes stays as it was/.test(log) &&
        /ERROR .*The file of users stays as it was/.test(log);
    }));
  await show("third");
  assert.deepEqual(await mayAnn("/status"), [true, true, true]);
  await someAnswers();
  over = true;
  await Promise.all(loads);
  assert.deepEqual(failures, []);
  for (const { log } of cluster.nodes) {
    assert.equal([...log.matchAll(/The file of users stays as it was/g)].length, 1, log);
    assert.ok(!/of-root|of-ann/.test(log));
  }
}
