import { strict as assert } from "node:assert";
import { Client, Refused, Unavailable, UnknownOutcome } from "@raftlite/client";
import { background } from "../background.ts";
import { Cluster, type NodeProcess } from "../cluster/harness.ts";
import { takePort } from "../ports.ts";

/** What becomes of a request on its way. */
type Fate = "arrives" | "is lost" | "is done, and its answer lost";

/** A fetch with faults, by the path and how many requests for that path came before. */
class FaultyFetch {
  readonly seen: string[] = [];
  #fate: (path: string, before: number) => Fate | Promise<Fate> = () => "arrives";

  /** For requests from now on. */
  faults(fate: (path: string, before: number) => Fate | Promise<Fate>): void {
    this.seen.length = 0;
    this.#fate = fate;
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const { pathname } = new URL(String(input));
    const before = this.seen.filter((path) => path === pathname).length;
    this.seen.push(pathname);
    const fate = await this.#fate(pathname, before);
    if (fate === "is lost") throw new TypeError("connection reset");
    const response = await fetch(input, init);
    if (fate === "arrives") return response;
    await response.body?.cancel();
    throw new TypeError("connection reset");
  };

  count(path: string): number {
    return this.seen.filter((seen) => seen === path).length;
  }
}

async function withNode(
  test: (db: Client, faulty: FaultyFetch, node: NodeProcess) => Promise<void>,
): Promise<void> {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  const faulty = new FaultyFetch();
  await using db = new Client(node.url, {
    fetch: faulty.fetch,
    discover: false,
    timeoutMs: 120_000,
  });
  await db.execute("CREATE TABLE t (v)");
  await test(db, faulty, node);
}

async function rows(node: NodeProcess): Promise<unknown[]> {
  return (await node.query("SELECT v FROM t ORDER BY v")).flat();
}

Deno.test("A write whose answer is lost is sent again under its key, done once, and answered", async () => {
  await withNode(async (db, faulty, node) => {
    faulty.faults((_, before) => before < 2 ? "is done, and its answer lost" : "arrives");
    assert.equal((await db.execute("INSERT INTO t VALUES (1)")).lastInsertId, 1);
    const [, read] = await db.batch(["INSERT INTO t VALUES (2)", "SELECT count(*) FROM t"]);
    assert.deepEqual(read?.values, [[2]]);
    assert.deepEqual([faulty.count("/db/execute"), faulty.count("/db/request")], [3, 3]);
    assert.deepEqual(await rows(node), [1, 2]);
  });
});

Deno.test("An outcome that nobody tells in time is unknown, and told by its key later", async () => {
  await withNode(async (db, faulty, node) => {
    faulty.faults(() => "is done, and its answer lost");
    const unknown = await thrown(db.execute("INSERT INTO t VALUES (1)", [], { timeoutMs: 3_000 }));
    assert(unknown instanceof UnknownOutcome, String(unknown));
    faulty.faults(() => "is lost");
    const lost = await thrown(db.execute("INSERT INTO t VALUES (2)", [], { timeoutMs: 300 }));
    assert(lost instanceof UnknownOutcome, String(lost));
    assert(await thrown(db.query("SELECT 1", [], { timeoutMs: 300 })) instanceof Unavailable);
    faulty.faults(() => "arrives");
    assert.equal((await db.outcome(unknown.key))?.[0]?.rowsAffected, 1);
    assert.equal(await db.outcome(lost.key), undefined);
    await db.execute("INSERT INTO t VALUES (1)", [], { key: unknown.key });
    assert.deepEqual(await rows(node), [1]);
  });
});

Deno.test("A write that certainly was not sent is not said to be unknown", async () => {
  // The refusal comes when the time is over, as it may on a machine that has much else to do.
  const late: typeof fetch = async (input, init) => {
    try {
      return await fetch(input, { ...init, signal: null });
    } finally {
      const signal = init?.signal;
      if (!signal?.aborted) await new Promise((end) => signal?.addEventListener("abort", end));
    }
  };
  const nobody = new Client(`http://127.0.0.1:${takePort()}`, { timeoutMs: 300, fetch: late });
  assert(await thrown(nobody.execute("INSERT INTO t VALUES (1)")) instanceof Unavailable);
  assert(await thrown(nobody.transaction(() => Promise.resolve())) instanceof Unavailable);
});

Deno.test("A write that is given up while it is under way is unknown", async () => {
  await withNode(async (db, faulty, node) => {
    const controller = new AbortController();
    faulty.faults(() => {
      controller.abort(new Error("enough"));
      return "arrives";
    });
    const given = await thrown(
      db.execute("INSERT INTO t VALUES (1)", [], { signal: controller.signal }),
    );
    assert(given instanceof UnknownOutcome);
    assert.match(String(given.cause), /enough/);
    assert.match(String(await thrown(db.query("SELECT 1", [], controller))), /enough/);
    assert(((await rows(node)).length) <= 1);
  });
});

Deno.test("A commit whose answer is lost is found out about, and the function not run again", async () => {
  await withNode(async (db, faulty, node) => {
    faulty.faults((path) => path === "/db/commit" ? "is done, and its answer lost" : "arrives");
    let runs = 0;
    const value = await db.transaction(async (tx) => {
      await tx.execute("INSERT INTO t VALUES (?)", [++runs]);
      return runs;
    });
    assert.equal(value, 1);
    assert.deepEqual(await rows(node), [1]);
    assert.equal(faulty.count("/db/begin"), 1);
    const reader = new Client(node.url, { level: "none" });
    reader.saw(db.seenIndex);
    assert.deepEqual((await reader.query("SELECT v FROM t")).values, [[1]]);
  });
});

Deno.test("A commit that never came, or comes too late, is none, and the function is run again", async () => {
  await withNode(async (db, faulty, node) => {
    faulty.faults((path, before) => path === "/db/commit" && before < 2 ? "is lost" : "arrives");
    let runs = 0;
    const insert = (mode: "immediate" | "deferred") =>
      db.transaction(async (tx) => {
        await tx.execute("INSERT INTO t VALUES (?)", [++runs]);
        return runs;
      }, { mode });
    assert.equal(await insert("immediate"), 3);
    assert.deepEqual(await rows(node), [3]);

    // It is under way somewhere while another write takes its key, and nothing else is in its way.
    await db.batch(["CREATE TABLE counter (n)", "INSERT INTO counter VALUES (0)"]);
    const settled = Promise.withResolvers<void>();
    let late: Promise<Response> | undefined;
    const slow: typeof fetch = (input, init) => {
      const { pathname } = new URL(String(input));
      if (pathname === "/db/rollback") throw new TypeError("connection reset");
      if (pathname !== "/db/commit" || late !== undefined) return fetch(input, init);
      const { signal: _, ...rest } = init ?? {};
      late = settled.promise.then(() => fetch(input, rest));
      throw new TypeError("connection reset");
    };
    const other = new Client(node.url, { fetch: slow, discover: false });
    await other.transaction((tx) => tx.execute("UPDATE counter SET n = n + 1"), {
      mode: "concurrent",
    });
    settled.resolve();
    assert.match(
      `${(await late)?.status} ${await (await late)?.text()}`,
      /^422 Idempotency-Key was/,
    );
    assert.deepEqual((await db.query("SELECT n FROM counter")).values, [[1]]);
  });
});

Deno.test("A statement of a transaction whose answer is lost is not run a second time in it", async () => {
  await withNode(async (db, faulty, node) => {
    faulty.faults((path, before) =>
      path === "/db/execute" && before === 0 ? "is done, and its answer lost" : "arrives"
    );
    let runs = 0;
    await db.transaction(async (tx) => {
      runs++;
      // Also where the function makes little of it.
      await tx.execute("INSERT INTO t VALUES (1)").catch(() => {});
      await tx.execute("INSERT INTO t VALUES (2)").catch(() => {});
    });
    assert.equal(runs, 2);
    assert.deepEqual(await rows(node), [1, 2]);
  });
});

Deno.test("What stands between client and nodes and answers itself is not believed", async () => {
  await withNode(async (db, faulty, node) => {
    let bad = 3;
    const behindProxy: typeof fetch = async (input, init) => {
      const response = await faulty.fetch(input, init);
      if (bad-- <= 0) return response;
      await response.body?.cancel();
      return new Response("<html>Bad Gateway</html>", { status: 502 });
    };
    const other = new Client(node.url, { fetch: behindProxy, discover: false });
    await other.execute("INSERT INTO t VALUES (1)");
    assert.deepEqual(await rows(node), [1]);
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      () => new Response(null, { status: 307, headers: { location: node.url } }),
    );
    const moved = new Client(`http://127.0.0.1:${server.addr.port}`, { discover: false });
    assert(await thrown(moved.execute("INSERT INTO t VALUES (2)")) instanceof Refused);
    assert(db.seenIndex > 0);
  });
});

Deno.test("A refusal says nothing of what was sent before it", async () => {
  await withNode(async (db, _, node) => {
    let calls = 0;
    const reloaded: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      await response.body?.cancel();
      if (calls++ === 0) throw new TypeError("connection reset");
      return new Response(null, { status: 401 });
    };
    const other = new Client(node.url, { fetch: reloaded, discover: false });
    const unknown = await thrown(other.execute("INSERT INTO t VALUES (1)"));
    assert(unknown instanceof UnknownOutcome);
    assert(unknown.cause instanceof Refused);
    assert.equal((await db.outcome(unknown.key))?.length, 1);
    assert(await thrown(other.execute("INSERT INTO t VALUES (2)")) instanceof Refused);
  });
});

Deno.test("A node that is frozen, or cut off, is left for another one in time", async () => {
  await using cluster = await Cluster.start({ proxies: true });
  const urls = cluster.nodes.map(({ url }) => url);
  const [leader, follower] = [await cluster.leader(), await cluster.follower()];
  for (const [value, first] of [[1, follower], [2, leader]] as const) {
    await using db = new Client(first.url, { timeoutMs: 60_000 });
    if (value === 1) await db.execute("CREATE TABLE t (v)");
    assert.deepEqual([...await db.nodes()].sort(), [...urls].sort());
    first.freeze();
    try {
      await db.execute("INSERT INTO t VALUES (?)", [value]);
      assert.equal((await db.query("SELECT v FROM t WHERE v = ?", [value])).values.length, 1);
    } finally {
      first.thaw();
    }
  }
  const alone = await cluster.leader();
  await using db = new Client(alone.url, { timeoutMs: 60_000, level: "linearizable" });
  await db.nodes();
  cluster.isolate(alone);
  await db.execute("INSERT INTO t VALUES (3)");
  assert.deepEqual((await db.query("SELECT v FROM t ORDER BY v")).values, [[1], [2], [3]]);
  cluster.isolate(undefined);
});

async function thrown(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: "Nothing was thrown" });
}

/** A node by its looks, which ends the connection in place of an answer to one path; counts its requests. */
function breakingNode(path: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections = new Set<Deno.Conn>();
  const node = { url: `http://127.0.0.1:${listener.addr.port}`, seen: 0 };
  const serve = async (connection: Deno.Conn) => {
    const buffer = new Uint8Array(65536);
    const answer = '{"tx":"1","results":[]}';
    const head = `HTTP/1.1 200 OK\r\ncontent-length: ${answer.length}\r\n\r\n`;
    for (let text = "";;) {
      const read = await connection.read(buffer);
      if (read === null) return;
      text += new TextDecoder().decode(buffer.subarray(0, read));
      const [start = "", body] = text.split("\r\n\r\n", 2);
      const isWhole = /chunked/i.test(start)
        ? text.endsWith("0\r\n\r\n")
        : body?.length === Number(/content-length: (\d+)/i.exec(start)?.[1] ?? 0);
      if (!isWhole) continue;
      if (start.startsWith(`POST ${path}?`)) {
        node.seen++;
        return;
      }
      await connection.write(new TextEncoder().encode(head + answer));
      text = "";
    }
  };
  const served = background(async () => {
    for await (const connection of listener) {
      connections.add(connection);
      serve(connection).catch(() => {}).finally(() => {
        if (connections.delete(connection)) connection.close();
      });
    }
  });
  return {
    node,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of connections) connection.close();
      connections.clear();
      await served;
    },
  };
}

Deno.test("A statement of a transaction whose connection breaks is sent once", async () => {
  await using broken = breakingNode("/db/execute");
  await using db = new Client(broken.node.url, { discover: false, timeoutMs: 120_000 });
  await assert.rejects(
    db.transaction((tx) => tx.execute("INSERT INTO t VALUES (1)"), { attempts: 1 }),
    Unavailable,
  );
  assert.equal(broken.node.seen, 1);
});
