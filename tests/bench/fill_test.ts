import { strict as assert } from "node:assert";
import { fill } from "../../src/cli/bench/rate/fill.ts";
import { openMemory } from "../sqlite/fixture.ts";

Deno.test("what a benchmark fills a database with is there once, where a server did not confirm it in time", async () => {
  using database = openMemory();
  let requests = 0;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const [sql] = await request.json();
      requests++;
      // Every other statement is not carried out, and every other answer does not say whether it is.
      if (requests % 4 !== 1) database.exec(sql);
      return requests % 4 === 0
        ? Response.json({ results: [{}] })
        : new Response("Outcome unknown", { status: 503 });
    },
  );
  const endpoint = { address: { host: "127.0.0.1", port: server.addr.port } };
  const target = {
    name: "slow",
    endpoints: [{ ...endpoint, tls: undefined, authorization: undefined }],
  };
  await fill(target, 40_000_000, () => {});
  const [table] = database.prepare("SELECT name FROM sqlite_schema").values<[string]>().flat();
  assert.equal(database.scalar(`SELECT count(*) FROM ${table}`), 40_000_000 / 1024 + 0.5);
  assert.equal(requests, 12);
});
