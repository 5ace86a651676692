/** Who may do what by several threads: each of them answers alike, whoever asks, and from the same moment on. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import bcrypt from "bcryptjs";
import { withDirectory } from "../directory.ts";
import type { RawAnswer, RawConnection } from "../http/raw_connection.ts";
import { basic } from "./basic.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";
import { ask, type Asked, served, sum, threadsTest, TwoConnections } from "./two_connections.ts";

const root = basic("root", "of-root");
const token = (name: string) => `sha256:${createHash("sha256").update(name).digest("hex")}`;
const some = { read: ["t"], write: ["t"] };
const users = [
  { username: "root", password: "of-root", perms: ["all"] },
  {
    ...{ username: "reader", password: "of-reader", perms: ["query"] },
    tokens: [
      { name: "good", hash: token("good"), expires: "2999-01-01" },
      { name: "over", hash: token("over"), expires: "2001-01-01" },
    ],
  },
  { username: "writer", password: "of-writer", perms: ["execute"] },
  { username: "hashed", password: bcrypt.hashSync("of-hashed", 4), perms: ["query", "execute"] },
  { username: "some", password: "of-some", perms: ["query", "execute"], tables: some },
  {
    ...{ username: "every", password: "of-every", perms: ["query", "execute"] },
    tables: { read: ["*"], write: ["*"] },
  },
  { username: "nothing", password: "of-nothing", perms: ["ready"] },
];

/** Whose requests are tried: by what they send, "" for nothing. */
const callers = [
  ...["root", "reader", "writer", "hashed", "some", "every", "nothing"].map((name) =>
    basic(name, `of-${name}`)
  ),
  ...["", "Bearer good", "Bearer over", "Bearer wrong", "Digest x", "Basic %", "basic"],
];
/** Of whom each attempt counts, so that some have to wait for their turn. */
const guessers = [basic("root", "wrong"), basic("hashed", "wrong"), basic("nobody", "of-nobody")];

const type = "content-type: application/json\r\n";
const secret = "SELECT a FROM secret WHERE rowid = 1";
/** What a thread answers by itself, or hands over, and some of what it passes on. */
const operations: readonly Asked[] = [
  { path: "/db/query?level=none", body: JSON.stringify([secret]), headers: type },
  { path: "/db/query", body: '["SELECT a FROM t WHERE rowid = 1"]', headers: type },
  { method: "GET", path: `/db/query?level=none&q=${encodeURIComponent(secret)}` },
  { path: "/db/query?level=none", body: '["SELECT a FROM nowhere"]', headers: type },
  {
    path: "/db/execute",
    body: '["UPDATE secret SET a = 1", "UPDATE t SET a = 1"]',
    headers: type,
  },
  { path: "/db/execute", body: '["no SQL"]', headers: `${type}Idempotency-Key: "no key\r\n` },
  { path: "/db/request?level=none", body: JSON.stringify([secret]), headers: type },
  { method: "GET", path: "/whoami" },
  { method: "OPTIONS", path: "/db/query" },
];

function as(authorization: string, asked: Asked): Asked {
  const own = authorization === "" ? "" : `Authorization: ${authorization}\r\n`;
  return { ...asked, headers: `${asked.headers ?? ""}${own}` };
}

const [read, , , , write] = operations as readonly [Asked, Asked, Asked, Asked, Asked];

/** Of an answer what each thread has to say alike. */
function seen({ status, headers, body }: RawAnswer) {
  for (const name of ["date", "content-length", "transfer-encoding"]) headers.delete(name);
  if (headers.has("x-raftlite-index")) headers.set("x-raftlite-index", "some");
  return { status, headers: [...headers], body };
}

interface Threads {
  readonly node: NodeProcess;
  readonly connections: TwoConnections;
  /** Puts others in the place of the users, from some moment on. */
  reload(users: readonly object[]): Promise<void>;
}

async function withThreads(run: (threads: Threads) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const file = join(directory, "users.json");
    await Deno.writeTextFile(file, JSON.stringify(users));
    const flags = ["-http-threads=2", "-auth", file];
    await using cluster = await Cluster.start({ size: 1, flags, authorization: root });
    const [node] = cluster.nodes;
    assert.ok(node);
    await node.execute(["CREATE TABLE secret (a)", "INSERT INTO secret VALUES (1)"]);
    await node.execute(["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"]);
    using connections = await TwoConnections.open(node, undefined, `Authorization: ${root}\r\n`);
    const reload = async (users: readonly object[]) => {
      await Deno.writeTextFile(file, JSON.stringify(users));
      Deno.kill(node.pid, "SIGHUP");
    };
    await run({ node, connections, reload });
  });
}

/** Each caller's request of each operation, by each thread, as it answers who is new and who it knows. */
async function answerAlike({ main, other }: TwoConnections): Promise<void> {
  const tried = [
    ...callers.flatMap((caller) => operations.map((operation) => as(caller, operation))),
    ...guessers.flatMap((guesser) => [as(guesser, read), as(guesser, write)]),
  ];
  for (const asked of tried) {
    const expected = await answered(main, asked);
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(await answered(other, asked), expected, JSON.stringify(asked));
    }
  }
}

/** The answer when its turn comes: wrong passwords have to wait for that. */
async function answered(connection: TwoConnections["main"], asked: Asked) {
  return await eventually("its turn", async () => {
    const answer = await ask(connection, asked);
    return answer.status !== 429 && seen(answer);
  });
}

threadsTest(
  "-http-threads: each thread lets the same people do the same",
  () =>
    withThreads(async ({ node, connections, reload }) => {
      const { main, other } = connections;
      await answerAlike(connections);
      await eventually("a read that is not passed on", async () => {
        const before = await served(node);
        await ask(other, as(basic("hashed", "of-hashed"), read));
        return await served(node) > before;
      });
      const before = await sum(node, "writes_read");
      await ask(other, as(basic("every", "of-every"), write));
      // Whose tables have to be looked at is the main thread's.
      await ask(other, as(basic("some", "of-some"), write));
      assert.equal(await sum(node, "writes_read"), before + 1);
      const letIn = async () =>
        JSON.parse((await node.fetch("/debug/vars?key=http")).body).http.auth_ok;
      const letInBefore = await letIn();
      for (const asked of [read, write, read]) {
        await ask(other, as(basic("hashed", "of-hashed"), asked));
      }
      // The one who asks for the number is one of them.
      assert.equal(await letIn(), letInBefore + 4);

      // A key is its user's, whichever thread has read it.
      const keyed = { ...write, headers: `${write.headers}Idempotency-Key: k\r\n` };
      const repeated = async (connection: RawConnection, name: string) =>
        (await ask(connection, as(basic(name, `of-${name}`), keyed))).headers
          .get("idempotency-replayed");
      assert.equal(await repeated(other, "every"), null);
      assert.equal(await repeated(main, "root"), null);
      assert.equal(await repeated(main, "every"), "true");
      assert.equal(await repeated(other, "root"), "true");

      await reload([...users, { username: "*", perms: ["query", "execute"], tables: some }]);
      await eventually("what everybody may", async () => {
        return (await ask(main, as("", write))).status === 200;
      });
      await answerAlike(connections);
      await reload([...users, { username: "*", perms: ["query"] }]);
      await eventually("who may not write", async () => {
        return (await ask(main, as("", write))).status === 401;
      });
      await answerAlike(connections);

      await reload([...users, { username: "*", perms: ["execute"] }]);
      await eventually("that everybody may write", async () => {
        return (await ask(main, as("", write))).status === 200;
      });
      // Then, too; the other thread knows both by the second time.
      for (const connection of [other, main, other]) {
        assert.equal(await repeated(connection, "root"), "true");
        assert.equal(await repeated(connection, "every"), "true");
      }
    }),
);

threadsTest(
  "-http-threads: new rights count for the next request at each thread, under load too",
  () =>
    withThreads(async ({ node, connections: { main, other }, reload }) => {
      const [reader, writer, byToken] = [
        as(basic("reader", "of-reader"), read),
        as(basic("writer", "of-writer"), write),
        as("Bearer good", read),
      ];
      const statuses = async (connection: RawConnection, ...tried: Asked[]) => {
        const all: number[] = [];
        for (const asked of tried) all.push((await ask(connection, asked)).status);
        return all;
      };
      const failures: string[] = [];
      let over = false;
      const load = Array.from({ length: 4 }, async () => {
        while (!over && failures.length === 0) {
          await node.execute(["UPDATE t SET a = a + 1"]).catch((error) =>
            failures.push(`${error}`)
          );
        }
      });
      const [first, second, third] = users;
      const others = [first ?? {}, { ...second, perms: ["execute"] }, {
        ...third,
        perms: ["query"],
      }];
      for (let round = 0; round < 5; round++) {
        for (let known = 0; known < 2; known++) {
          assert.deepEqual(await statuses(other, reader, writer, byToken), [200, 200, 200]);
        }
        await reload(others);
        await eventually("the new rights", async () => (await statuses(main, reader))[0] === 401);
        assert.deepEqual(await statuses(other, reader, writer, byToken), [401, 401, 401]);
        await reload(users);
        await eventually("the old rights", async () => (await statuses(main, reader))[0] === 200);
      }
      over = true;
      await Promise.all(load);
      assert.deepEqual(failures, []);
    }),
);
