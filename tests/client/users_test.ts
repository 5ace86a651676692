import { strict as assert } from "node:assert";
import { Client, Refused } from "@raftlite/client";
import { Cluster } from "../cluster/harness.ts";
import { protect, token, user } from "../cluster/protected.ts";

Deno.test("A client is known by a password or a token, over HTTPS, to the nodes that it learns of too", async () => {
  await using parts = await protect();
  const { client } = parts.asker;
  assert(client);
  const secure: typeof fetch = (input, init) => fetch(input, { ...init, client });
  await using cluster = await Cluster.start({ size: 2, flags: parts.flags, ...parts.asker });
  const [first, second] = cluster.nodes;
  assert(first && second);
  const options = { fetch: secure, timeoutMs: 120_000 };
  const password = new Client(first.url, { ...options, user: user.name, password: user.password });
  await password.execute("CREATE TABLE t (v)");
  const byToken = new Client(first.url, { ...options, token });
  assert.deepEqual([...await byToken.nodes()].sort(), [first.url, second.url].sort());
  await byToken.transaction((tx) => tx.execute("INSERT INTO t VALUES (1)"));
  const wrong = new Client(first.url, { ...options, user: user.name, password: "wrong" });
  await assert.rejects(wrong.query("SELECT 1"), (error) => {
    assert(error instanceof Refused);
    assert.equal(error.status, 401);
    return true;
  });
  assert.throws(() => new Client(first.url, { user: "a" }), /password is missing/);
  assert.throws(() => new Client(first.url, { user: "a", password: "", token }), TypeError);
  for (const each of [password, byToken, wrong]) await each.close();
});
