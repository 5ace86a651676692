import { strict as assert } from "node:assert";
import { withDirectory } from "../directory.ts";
import { S3StandIn } from "../object_store/s3_stand_in.ts";
import { s3Config } from "../backup/fixture.ts";
import { sqlite3 } from "../store/fixture.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

interface TransferStatus {
  readonly kind: string;
  readonly what: string;
  readonly bytes: number;
  readonly total_bytes?: number;
}

async function transfers(node: NodeProcess): Promise<TransferStatus[]> {
  return (await node.status())["transfers"] as TransferStatus[];
}

async function underWay(node: NodeProcess, kind: string): Promise<TransferStatus> {
  return await eventually(
    () => `${kind} in /status\n${node.log}`,
    async () => (await transfers(node)).find((one) => one.kind === kind && one.bytes > 0),
  );
}

async function over(node: NodeProcess): Promise<void> {
  await eventually("none under way", async () => (await transfers(node)).length === 0);
}

Deno.test("loads, backups and uploads show in /status while they are under way, with what is known of their size", async () => {
  await using standIn = new S3StandIn();
  await withDirectory(async (directory) => {
    const file = `${directory}/db.sqlite3`;
    const rows = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300)";
    assert.equal(
      sqlite3(file, `CREATE TABLE t (b); ${rows} INSERT INTO t SELECT randomblob(100000) FROM c`),
      "",
    );
    const bytes = await Deno.readFile(file);
    const config = `${directory}/backup.json`;
    await Deno.writeTextFile(config, JSON.stringify({ ...s3Config(standIn), interval: "100ms" }));
    const held = Promise.withResolvers<undefined>();
    standIn.fault = async ({ url }) => {
      if (new URL(url).searchParams.has("partNumber")) await held.promise;
      return undefined;
    };
    await using cluster = await Cluster.start({ size: 1, flags: ["-auto-backup", config] });
    const node = await cluster.leader();

    // Half of a file comes.
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: node.httpPort });
    const head = [
      "POST /db/load HTTP/1.1",
      "Host: x",
      "Connection: close",
      "Content-Type: application/octet-stream",
      `Content-Length: ${bytes.length}`,
      "\r\n",
    ].join("\r\n");
    const writer = connection.writable.getWriter();
    await writer.write(new TextEncoder().encode(head));
    await writer.write(bytes.slice(0, bytes.length / 2));
    const loading = await underWay(node, "load");
    assert.equal(loading.total_bytes, bytes.length);
    assert.ok(loading.bytes <= bytes.length / 2);
    await writer.write(bytes.slice(bytes.length / 2));
    assert.match(await new Response(connection.readable).text(), /^HTTP\/1.1 200/);

    // The upload of what was loaded hangs at its store.
    const uploading = await underWay(node, "auto-backup");
    assert.ok((uploading.total_bytes ?? 0) > 25_000_000);
    held.resolve(undefined);
    await over(node);

    // A client takes its time with a backup, and goes.
    const client = await fetch(`${node.url}/db/backup`);
    const reader = client.body?.getReader();
    await reader?.read();
    const sending = await underWay(node, "backup");
    // About: what the store keeps for itself is not sent.
    assert.ok(Math.abs((sending.total_bytes ?? 0) - bytes.length) < 100_000);
    assert.ok(sending.bytes < bytes.length);
    await reader?.cancel();
    await over(node);
  });
});
