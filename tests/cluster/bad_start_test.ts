import { strict as assert } from "node:assert";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";
import { Mount } from "./mount.ts";

/** Starts a node that must refuse: exit 1, and a last line that says why. */
async function refuses(node: NodeProcess, why: RegExp, flags: readonly string[] = []) {
  const before = node.log.length;
  node.start(flags);
  const { code } = await node.exited();
  const log = node.log.slice(before);
  assert.equal(code, 1, log);
  assert.match(log.slice(log.lastIndexOf("fatal: ")), why);
  assert.doesNotMatch(log, /^ +at /m, "a stack trace is no message");
}

async function memberIds(node: NodeProcess): Promise<string[]> {
  const { body } = await node.fetch("/nodes?nonvoters");
  return Object.keys(JSON.parse(body)).sort();
}

const table = ["CREATE TABLE t (n INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 'kept')"];

/** The node is up with what `table` put there. */
async function keeps(node: NodeProcess): Promise<void> {
  await node.ready();
  assert.deepEqual(await node.query("SELECT * FROM t"), [[1, "kept"]]);
}

Deno.test("a join to nobody ends after its attempts, and leaves a directory that can begin", async () => {
  await using cluster = await Cluster.start({ size: 0 });
  const node = cluster.create();
  const other = cluster.create();
  const flags = ["-join-attempts", "2", "-join-interval", "50ms"];
  await refuses(
    node,
    new RegExp(
      `Failed to join a cluster after 2 attempts \\(Cannot connect to ${other.raftAddress}: Connection refused.*-join names`,
    ),
    ["-join", other.raftAddress, ...flags],
  );
  const lines = node.log.split("\n").filter((line) => /Join failed \(attempt [12] of 2/.test(line));
  assert.deepEqual(lines.map((line) => line.split(other.raftAddress).length), [2, 2]);
  // By another name of its own it finds a node without a cluster.
  await refuses(node, /Failed to join .*is in no cluster yet/, [
    "-join",
    `localhost:${node.raftPort}`,
    ...flags,
  ]);
  node.start();
  await node.ready();
  assert.deepEqual(await memberIds(node), [node.id]);
});

Deno.test("data of one cluster does not join another", async () => {
  await using a = await Cluster.start({ size: 2 });
  await using b = await Cluster.start({ size: 1 });
  const [first, second] = a.nodes;
  const other = b.nodes[0];
  assert(first && second && other);
  await first.execute(table);
  await a.converged(["SELECT * FROM t"]);
  await second.kill("SIGTERM");
  const stranger = b.create([], "stranger", "stranger");
  stranger.start();
  await stranger.ready();
  await stranger.kill("SIGTERM");

  await refuses(stranger, /This node's data is a cluster of its own and cannot join another/, [
    "-join",
    other.raftAddress,
  ]);
  // A member of a cluster goes on as such, and says what it was asked in vain.
  second.start(["-join", other.raftAddress]);
  await keeps(second);
  const why = /Join failed .* Wrong cluster: .*; this node's data is of cluster \w+; .* empty data/;
  await eventually(() => `a line on the other cluster\n${second.log}`, () => why.test(second.log));
  assert.deepEqual(await memberIds(second), [first.id, second.id]);
  assert.deepEqual(await memberIds(other), [other.id]);
});

Deno.test("an id that a living node has is not given to another, be it leader or follower", async () => {
  await using cluster = await Cluster.start({ size: 2 });
  const [first] = cluster.nodes;
  assert(first);
  const ids = await memberIds(first);
  for (const [i, id] of ids.entries()) {
    const twin = cluster.create([], id, `twin-${i}`);
    await refuses(twin, new RegExp(`the id ${id} is taken by the node at .*; choose another`), [
      "-join",
      first.raftAddress,
    ]);
    await refuses(twin, new RegExp(`the id ${id} is taken`), ["-join", first.raftAddress]);
  }
  assert.deepEqual(await memberIds(first), ids);
  await first.execute(table);
});

Deno.test("a data directory is used by its own node only, and by one process", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(table);
  const second = cluster.create([], node.id, node.id);
  await refuses(
    second,
    new RegExp(`${node.directory} is in use by process ${node.pid}: stop that process, or`),
  );
  await keeps(node);
  await node.kill("SIGTERM");
  const named = cluster.create([], "other", node.id);
  await refuses(
    named,
    new RegExp(`${node.directory} belongs to node ${node.id}, not other: .* -node-id ${node.id}`),
  );
  node.start();
  await keeps(node);
});

Deno.test("the data directory of rqlite is left as it is", async () => {
  await using cluster = await Cluster.start({ size: 0 });
  const node = cluster.create();
  await Deno.mkdir(node.directory);
  await Deno.writeTextFile(`${node.directory}/raft.db`, "its log");
  await refuses(node, /Data directory .* is rqlite's .*: name another, and send a backup/);
  assert.deepEqual(Array.from(Deno.readDirSync(node.directory), ({ name }) => name), ["raft.db"]);
});

Deno.test("a data directory that is not one is named once, with the way out", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(table);
  await node.kill("SIGTERM");
  {
    await using mount = await Mount.readOnly(node.directory);
    if (mount !== undefined) {
      const why = `Cannot open ${node.directory}/lock: Read-only file system \\(os error 30\\)\n`;
      await refuses(node, new RegExp(why));
    }
  }
  const file = cluster.create();
  await Deno.writeTextFile(file.directory, "");
  await refuses(
    file,
    new RegExp(
      `Data directory ${file.directory} is a file: name a directory, or move the file away`,
    ),
  );
  const link = cluster.create();
  await Deno.symlink("/nowhere/at/all", link.directory);
  await refuses(
    link,
    new RegExp(
      `Data directory ${link.directory} is a link to nothing: make .* points to, or remove`,
    ),
  );
  const below = cluster.create([], "below", "node-2-/below");
  await refuses(below, new RegExp(`Cannot make the directory ${below.directory}: Not a directory`));
  node.start();
  await keeps(node);
});

/** What the way out says: also of the files that SQLite made beside its own, with its mode. */
async function makeWritable(directory: string): Promise<void> {
  await Deno.chmod(directory, 0o700);
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    await Deno.chmod(`${directory}/${name}`, isDirectory ? 0o700 : 0o600);
  }
}

Deno.test("a fault of permissions is answered with what to permit, and never with removing data", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(table);
  await node.kill("SIGTERM");
  node.boundByPermissions = true;
  const wayOut = ": make the directory and its files writable for the user that the node runs as\n";
  const { directory } = node;
  const locked: readonly [path: string, mode: number, what: string][] = [
    [directory, 0o555, `Database ${directory}/db.sqlite cannot be used: .*readonly.*`],
    [`${directory}/lock`, 0o444, `Cannot open ${directory}/lock: Permission denied .*`],
    [`${directory}/node.json`, 0o000, `Cannot open ${directory}/node.json: Permission denied .*`],
    [`${directory}/raft`, 0o000, `Cannot .* ${directory}/raft.*: Permission denied .*`],
    [
      `${directory}/db.sqlite`,
      0o444,
      `Database ${directory}/db.sqlite cannot be used: .*readonly.*`,
    ],
    [`${directory}/db.sqlite`, 0o000, `Database ${directory}/db.sqlite cannot be used: .*open.*`],
  ];
  for (const [path, mode, what] of locked) {
    await Deno.chmod(path, mode);
    await refuses(node, new RegExp(`^fatal: ${what}${wayOut}`));
    await makeWritable(directory);
  }
  const inside = cluster.create([], "inside", `${node.id}/inside`);
  inside.boundByPermissions = true;
  await Deno.chmod(directory, 0o555);
  await refuses(inside, new RegExp(`Cannot make the directory ${inside.directory}: .*${wayOut}`));
  await makeWritable(directory);
  node.start();
  await keeps(node);
});

Deno.test("a port in use is named, and nobody has joined", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  const late = cluster.create();
  const join = ["-join", node.raftAddress];
  await refuses(
    late,
    new RegExp(
      `Cannot listen for HTTP on 127.0.0.1:${node.httpPort}: the address is in use; .*addr`,
    ),
    [...join, "-http-addr", `127.0.0.1:${node.httpPort}`],
  );
  {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const address = `127.0.0.1:${taken.addr.port}`;
    await refuses(
      late,
      new RegExp(`Cannot listen on ${address}: the port is in use .* choose .* -raft-addr`),
      [...join, "-raft-addr", address],
    );
  }
  assert.deepEqual(await memberIds(node), [node.id]);
  late.start(join);
  await late.ready();
});

Deno.test("one port for HTTP and Raft, under two names, is refused before anything is begun", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  const late = cluster.create();
  const every = `0.0.0.0:${late.raftPort}`;
  await refuses(
    late,
    new RegExp(
      `Cannot listen for HTTP on ${every} and for Raft on 127.0.0.1:${late.raftPort} at once: give`,
    ),
    ["-http-addr", every, "-http-adv-addr", `127.0.0.1:${late.httpPort}`],
  );
  // Had it begun a cluster of its own, it could not join this one.
  late.start(["-join", node.raftAddress]);
  await late.ready();
});

/** Copies a directory with everything in it. */
async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copy(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Turns the bits of one byte. */
async function flip(path: string, offset: number): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes[offset] = ~(bytes[offset] ?? 0);
  await Deno.writeFile(path, bytes);
}

/** The newest log segment of a node, and how much of it is used. */
async function newestSegment(directory: string): Promise<{ path: string; end: number }> {
  const names = await Array.fromAsync(Deno.readDir(`${directory}/raft`), ({ name }) => name);
  const name = names.filter((file) => file.endsWith(".log")).sort().at(-1);
  const path = `${directory}/raft/${name}`;
  return { path, end: (await Deno.readFile(path)).findLastIndex((byte) => byte !== 0) + 1 };
}

Deno.test("damaged or mixed up files end the start with the file and the way out", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(table);
  for (let i = 0; i < 20; i++) await node.execute(["UPDATE t SET v = 'kept'"]);
  await node.kill("SIGTERM");
  const wayOut = "empty (it|the directory) and let (it|the node) join";
  const damaged = async (
    what: string,
    why: string,
    damage: (directory: string) => Promise<void>,
  ) => {
    const copied = cluster.create([], node.id, what);
    await copy(node.directory, copied.directory);
    await damage(copied.directory);
    await refuses(copied, new RegExp(why.replaceAll("DIR", copied.directory)));
  };

  await damaged(
    "log",
    "Log file DIR/raft/\\d+\\.log is damaged at offset \\d+: .*remove this node .* empty data dir",
    async (directory) => {
      const { path, end } = await newestSegment(directory);
      await flip(path, Math.floor(end / 2));
    },
  );
  await damaged(
    "log-header",
    "Log file DIR/raft/\\d+\\.log is damaged at offset 0: .* let it join",
    async (directory) => await flip((await newestSegment(directory)).path, 10),
  );
  await damaged(
    "database-header",
    "Database DIR/db.sqlite cannot be used: file is not a database. Move its .* start the node again: it joins",
    (directory) => flip(`${directory}/db.sqlite`, 3),
  );
  await damaged(
    "identity",
    `DIR/node.json is damaged: .*${wayOut}`,
    async (directory) => {
      for (const name of ["node.json", "node.json.copy"]) {
        await Deno.writeTextFile(`${directory}/${name}`, "{}");
      }
    },
  );
  await damaged(
    "peers",
    "DIR/raft/peers.json is not JSON",
    (directory) => Deno.writeTextFile(`${directory}/raft/peers.json`, "{"),
  );
  await damaged(
    "peer-address",
    "DIR/raft/peers.json: node other: bad has no port: write it as host:port",
    (directory) =>
      Deno.writeTextFile(
        `${directory}/raft/peers.json`,
        JSON.stringify([{ id: "other", address: "bad" }]),
      ),
  );
  await damaged(
    "no-log",
    `applied index \\d+ but there is no Raft log in DIR/raft. Restore DIR .*${wayOut}`,
    (directory) => Deno.remove(`${directory}/raft`, { recursive: true }),
  );

  // What was damaged above were copies.
  node.start();
  await keeps(node);
  const answer = await node.fetch("/snapshot?trailing_logs=1", { method: "POST" });
  assert.equal(answer.status, 200, answer.body);
  await node.kill("SIGTERM");
  await damaged(
    "no-database",
    `database ends at index 0 but the Raft log begins after \\d+. Restore DIR .*${wayOut}`,
    (directory) => Deno.remove(`${directory}/db.sqlite`),
  );

  // A database of another cluster, which has come further: then one of another term.
  const other = cluster.create([], "other", "other");
  other.start();
  await other.ready();
  await other.execute(["CREATE TABLE other (n)"]);
  for (let i = 0; i < 100; i++) await other.execute(["INSERT INTO other VALUES (1)"]);
  await other.kill("SIGTERM");
  const foreign = (directory: string) =>
    Deno.copyFile(`${other.directory}/db.sqlite`, `${directory}/db.sqlite`);
  await damaged("further", `applied index \\d+ but the Raft log ends at \\d+.*${wayOut}`, foreign);
  node.start();
  await node.ready();
  for (let i = 0; i < 200; i++) await node.execute(["UPDATE t SET v = 'kept'"]);
  await node.kill("SIGTERM");
  await damaged(
    "term",
    `index \\d+ the database is of term \\d+, the Raft log of term \\d+: .*${wayOut}`,
    foreign,
  );
  node.start();
  await keeps(node);
});

Deno.test("a node whose database is gone but whose log is whole makes it again", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(table);
  await node.kill("SIGTERM");
  await Deno.remove(`${node.directory}/db.sqlite`);
  node.start();
  await keeps(node);
});

Deno.test("a node that nobody lets in yet answers HTTP: alive, without a leader", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const nobody = cluster.create();
  const joiner = cluster.create();
  joiner.start(["-join", nobody.raftAddress]);
  const alive = await eventually("an answer", () => joiner.fetch("/readyz?noleader"));
  assert.equal(alive.status, 200);
  assert.deepEqual(await joiner.fetch("/readyz"), {
    status: 503,
    body: "[+]node ok\n[+]leader does not exist",
  });
  assert.deepEqual(await joiner.fetch("/nodes"), { status: 200, body: "{}" });
  const query = "/db/query?q=SELECT%201&level=";
  assert.equal((await joiner.fetch(`${query}none`)).status, 200);
  assert.deepEqual(await joiner.fetch(`${query}weak&timeout=100ms`), {
    status: 503,
    body: "leader not found\n",
  });
});
