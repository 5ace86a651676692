import { strict as assert } from "node:assert";
import { basic } from "./basic.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

const admin = { username: "admin", password: "a", perms: ["all"] };
const everybody = { username: "*", perms: ["ready", "status", "snapshot"] };
const bob = {
  username: "bob",
  password: "b",
  perms: ["query", "execute", "backup", "load"],
  tables: { read: ["orders", "public_*"], write: ["public_*"] },
};

async function usersFile(users: readonly unknown[]): Promise<string> {
  const path = await Deno.makeTempFile({ prefix: "raftlite-users-" });
  await Deno.writeTextFile(path, JSON.stringify(users));
  return path;
}

/** What a node answers to a user, whose name's first letter is the password. */
async function ask(
  node: NodeProcess,
  username: string,
  path: string,
  body?: string | readonly unknown[],
): Promise<string> {
  const answer = await node.fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      "content-type": "application/json",
      "authorization": basic(username, username.slice(0, 1)),
    },
    body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
  });
  return `${answer.status} ${answer.body}`;
}

const schema = [
  "CREATE TABLE orders (id INTEGER PRIMARY KEY, item)",
  "CREATE TABLE secret (x)",
  "INSERT INTO secret VALUES ('classified')",
  "CREATE TABLE public_log (m)",
  "CREATE VIEW public_secret AS SELECT x FROM secret",
];

async function assertHeld(node: NodeProcess): Promise<void> {
  const read = await ask(node, "bob", "/db/query?q=SELECT+x+FROM+public_secret");
  assert.match(read, /access to secret is prohibited: user \\"bob\\" may not read it/);
  for (const level of ["none", "weak", "linearizable", "strong"]) {
    const path = `/db/query?level=${level}&q=SELECT+`;
    assert.match(await ask(node, "bob", `${path}x+FROM+secret`), /secret is prohibited/, level);
    assert.doesNotMatch(await ask(node, "bob", `${path}item+FROM+orders`), /error/, level);
    assert.match(await ask(node, "admin", `${path}x+FROM+secret`), /classified/, level);
  }
  const refused = ["DELETE FROM secret"];
  for (const path of ["/db/execute", "/db/execute?transaction", "/db/request"]) {
    const answer = await ask(node, "bob", path, [...refused, "SELECT x FROM secret"]);
    assert.match(
      answer,
      /^200 .*access to secret is prohibited: user \\"bob\\" may not write/,
      path,
    );
    assert.doesNotMatch(answer, /classified/, path);
  }
  // A queued write that is refused has an error of SQL, and is done with.
  assert.match(await ask(node, "bob", "/db/execute?queue&wait", refused), /^200 .*sequence_number/);
  assert.match(
    await ask(node, "bob", "/db/execute", ["INSERT INTO public_log VALUES (1)"]),
    /"rows_affected":1/,
  );
  for (const path of ["/db/backup", "/db/backup?fmt=sql"]) {
    assert.match(await ask(node, "bob", path), /^403 user "bob" has rights to some tables/, path);
  }
  assert.match(await ask(node, "bob", "/db/load", "DELETE FROM secret"), /^403 user "bob"/);
  assert.match(await ask(node, "bob", "/boot", "SQLite format 3"), /^403 user "bob"/);
  assert.match(await ask(node, "admin", "/db/query?q=SELECT+x+FROM+secret"), /classified/);
}

Deno.test("rights by table hold through every node, and over restart and snapshot wherever the files differ", async () => {
  const held = await usersFile([everybody, admin, bob]);
  // Nodes that have never heard of bob go by what the log says of him.
  const without = await usersFile([everybody, admin]);
  await using cluster = await Cluster.start({
    size: 2,
    flags: ["-auth", held, "-join-as", "admin", "-raft-snap", "200", "-raft-snap-int", "1s"],
  });
  const [first, second] = cluster.nodes as [NodeProcess, NodeProcess];
  const third = cluster.create();
  const other = ["-auth", without, "-join-as", "admin", "-join", first.raftAddress];
  third.start(other);
  await third.ready();
  await ask(first, "admin", "/db/execute", schema);
  for (const node of [first, second]) await assertHeld(node);
  assert.match(await ask(third, "bob", "/db/query?q=SELECT+1"), /^401/);

  // Entries that its log has are applied again, and entries come that it has missed.
  await third.kill("SIGKILL");
  await ask(second, "bob", "/db/execute", [
    "DELETE FROM secret",
    "INSERT INTO public_log VALUES (2)",
  ]);
  third.start(other);
  await third.ready();
  await third.kill("SIGKILL");
  for (let i = 0; i < 300; i++) {
    const statements = ["DELETE FROM secret", `INSERT INTO public_log VALUES (${i + 100})`];
    await ask(second, "bob", "/db/execute", statements);
  }
  for (const node of [first, second]) {
    await node.fetch("/snapshot?trailing_logs=10", { method: "POST" });
  }
  third.start(other);
  await third.ready();
  await eventually("a snapshot", () => /[Ss]napshot at index \d+ installed/.test(third.log));
  await ask(second, "bob", "/db/execute", [
    "DELETE FROM orders",
    "INSERT INTO public_log VALUES (3)",
  ]);
  await second.kill("SIGKILL");
  second.start();
  await second.ready();
  await assertHeld(second);
  const rows = "/db/query?level=linearizable&linearizable_timeout=10s&q=" +
    encodeURIComponent(
      "SELECT (SELECT group_concat(x) FROM secret), count(*), total(m) FROM public_log",
    );
  const [one, two, three] = await Promise.all(
    cluster.nodes.map((node) => ask(node, "admin", rows)),
  );
  assert.match(one ?? "", /\["classified",\d+,/);
  assert.deepEqual([two, three], [one, one]);
  for (const path of [held, without]) await Deno.remove(path);
});
