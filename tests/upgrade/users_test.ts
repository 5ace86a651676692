import { strict as assert } from "node:assert";
import { join } from "node:path";
import { nodeTlsMissing } from "../../src/tls/runtime.ts";
import { Cluster, eventually, type NodeProcess } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { testBeside } from "./earlier_tree.ts";
import { releases } from "./releases.ts";

const users = [
  { username: "*", perms: ["ready", "status"] },
  { username: "admin", password: "a", perms: ["all"] },
  {
    username: "bob",
    password: "b",
    perms: ["query", "execute"],
    tables: { read: ["log"], write: ["log"] },
  },
];

/** What a node answers to a user, whose name's first letter is the password. */
async function ask(
  node: NodeProcess,
  username: string,
  path: string,
  body: string | readonly string[] = "",
): Promise<string> {
  const { status, body: text } = await node.fetch(path, {
    method: "POST",
    headers: {
      "content-type": typeof body === "string" ? "text/plain" : "application/json",
      // Heeded by nodes of the later release, which push what becomes of it.
      "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "authorization": `Basic ${btoa(`${username}:${username[0]}`)}`,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return `${status} ${text}`;
}

async function leaderOf(node: NodeProcess): Promise<string> {
  const { body } = await node.fetch("/status?key=store.leader");
  return JSON.parse(body).node_id;
}

for (const release of releases) {
  await testBeside(
    release,
    "users, their rights and TLS between nodes hold whichever of the two leads",
    ({ mainPath }) =>
      withDirectory(async (directory) => {
        const usersPath = join(directory, "users.json");
        await Deno.writeTextFile(usersPath, JSON.stringify(users));
        const flags = ["-auth", usersPath, "-join-as", "admin"];
        if (nodeTlsMissing() === undefined) {
          const secretPath = join(directory, "secret");
          await Deno.writeTextFile(secretPath, "0123456789abcdef".repeat(4));
          flags.push("-node-auto-tls", secretPath);
        }
        await using cluster = await Cluster.start({ mainPath, size: 1, flags });
        cluster.mainPath = undefined;
        await cluster.add(["-otlp-endpoint", "127.0.0.1:1", "-otlp-insecure"]);
        const [first, second] = cluster.nodes;
        assert(first && second);
        const schema = ["CREATE TABLE log (m)", "CREATE TABLE secret (x)"];
        assert.match(await ask(first, "admin", "/db/execute", schema), /^200 \{"results":\[\{\}/);
        let rows = 0;
        for (const leader of [first, second]) {
          if (await leaderOf(first) !== leader.id) {
            // Not before the other one is known to have come as far.
            await eventually(
              "the lead to be handed over",
              async () => (await ask(first, "admin", "/leader?wait")).startsWith("200"),
            );
            await eventually("it to lead", async () => await leaderOf(first) === leader.id);
          }
          for (const node of [first, second]) {
            const where = `${node.id} while ${leader.id} leads`;
            for (const path of ["/db/execute", "/db/request", "/db/execute?queue&wait"]) {
              const written = await ask(node, "bob", path, ["INSERT INTO log VALUES (1)"]);
              assert.match(written, /^200 .*(rows_affected|sequence_number)/, `${where} ${path}`);
              rows += 1;
            }
            const refused = await ask(node, "bob", "/db/execute", [
              "INSERT INTO secret VALUES (1)",
            ]);
            assert.match(refused, /^200 .*access to secret is prohibited/, where);
            assert.match(
              await ask(node, "admin", "/db/load", "INSERT INTO secret VALUES (2);"),
              /^200/,
              where,
            );
            for (const level of ["weak", "linearizable", "strong"]) {
              const query = `/db/query?level=${level}&linearizable_timeout=10s`;
              const answer = await ask(node, "bob", query, ["SELECT count(*) FROM log"]);
              assert.match(answer, new RegExp(`\\[\\[${rows}\\]\\]`), `${where} ${level}`);
            }
          }
        }
      }),
  );
}
