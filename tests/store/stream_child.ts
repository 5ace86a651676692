import { plain, TestStore } from "./fixture.ts";

/** Streams 600 MB to a client slower than the reader, and says by how much the process grew meanwhile. */
await using s = await TestStore.open({ readers: 1 });
const answer = await s.read({
  statements: [
    { sql: "SELECT 'first'" },
    {
      sql: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) " +
        "SELECT i, printf('%.*c', 2000, 'x') FROM n",
    },
    { sql: "SELECT 'last'" },
  ],
  transaction: false,
  format: plain,
  timeoutMs: 0,
}) as ReadableStream<Uint8Array>;
const before = Deno.memoryUsage().rss;
let size = 0;
let growth = 0;
let text = "";
for await (const chunk of answer) {
  size += chunk.length;
  text = (text + new TextDecoder().decode(chunk)).slice(-200);
  growth = Math.max(growth, Deno.memoryUsage().rss - before);
  // Its reader waits for the client; others are served by another one.
  await s.query("SELECT 1");
}
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify({ size, growth, text })));
