/** HTTPS by several threads of a real node. */
import assert from "node:assert/strict";
import { whyAlone } from "../../src/http/shared_port.ts";
import { withDirectory } from "../directory.ts";
import { Authority } from "../tls/authority.ts";
import { testWithClientCertificates } from "../tls/where_there_is_tls.ts";
import { Cluster, eventually } from "./harness.ts";

/** The subject of the certificate that a new connection to a port is shown. */
async function shownBy(port: number): Promise<string> {
  const args = ["s_client", "-connect", `127.0.0.1:${port}`];
  const { stdout } = await new Deno.Command("openssl", { args, stdin: "null", stderr: "null" })
    .output();
  return /^subject=.*$/m.exec(new TextDecoder().decode(stdout))?.[0] ?? "";
}

Deno.test({
  name: "-http-threads: all show a new certificate after SIGHUP, and no request fails meanwhile",
  ignore: whyAlone() !== undefined,
  fn: () =>
    withDirectory(async (directory) => {
      const authority = await Authority.create(directory);
      const caCerts = [await Deno.readTextFile(authority.caPath)];
      const { certPath, keyPath } = await authority.issue({ name: "node", commonName: "first" });
      using client = Deno.createHttpClient({ caCerts });
      const flags = ["-http-threads=3", "-http-cert", certPath, "-http-key", keyPath];
      await using cluster = await Cluster.start({ size: 1, flags, client });
      const [node] = cluster.nodes;
      assert.ok(node !== undefined);
      await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES(1)"]);
      const failures: string[] = [];
      let answers = 0;
      let over = false;
      const ask = async (client: Deno.HttpClient) => {
        const response = await fetch(`${node.url}/db/query?level=none&q=SELECT+id+FROM+t`, {
          client,
        });
        const text = await response.text();
        if (text.includes('"values":[[1]]')) answers++;
        else failures.push(text);
      };
      const askAnew = async () => {
        using client = Deno.createHttpClient({ caCerts, poolMaxIdlePerHost: 0 });
        await ask(client);
      };
      const until = async (again: () => Promise<void>) => {
        while (!over && failures.length === 0) {
          await again().catch((error) => void failures.push(String(error)));
        }
      };
      const loads = [
        ...Array.from({ length: 4 }, () => until(() => ask(client))),
        ...Array.from({ length: 4 }, () => until(askAnew)),
      ];
      for (const commonName of ["second", "third", "fourth"]) {
        await authority.issue({ name: "node", commonName });
        Deno.kill(node.pid, "SIGHUP");
        // Each thread gets some of as many connections.
        await eventually(`the certificate ${commonName} at all threads`, async () => {
          const shown = await Promise.all(Array.from({ length: 12 }, () => shownBy(node.httpPort)));
          return shown.every((subject) => subject.endsWith(commonName));
        });
        const before = answers;
        await eventually("answers", () => answers >= before + 100 || failures.length > 0);
      }
      over = true;
      await Promise.all(loads);
      assert.deepEqual(failures, []);
      const { beside } = JSON.parse((await node.fetch("/status?key=http.threads")).body);
      assert.equal(beside.length, 2);
      for (const { reads_served } of beside) assert.ok(reads_served > 0);
      const { certificate } = JSON.parse((await node.fetch("/status?key=http.tls")).body);
      assert.match(certificate.subject, /fourth/);
    }),
});

testWithClientCertificates(
  "-http-threads: one thread serves where clients are asked for certificates, and the log says so",
  () =>
    withDirectory(async (directory) => {
      const authority = await Authority.create(directory);
      const { certPath, keyPath } = await authority.issue({ name: "node" });
      const own = await authority.issue({ name: "client" });
      const [ca = "", cert = "", key = ""] = await Promise.all(
        [authority.caPath, own.certPath, own.keyPath].map((path) => Deno.readTextFile(path)),
      );
      using client = Deno.createHttpClient({ caCerts: [ca], cert, key });
      const flags = [
        ...["-http-threads=2", "-http-cert", certPath, "-http-key", keyPath],
        ...["-http-ca-cert", authority.caPath, "-http-verify-client"],
      ];
      await using cluster = await Cluster.start({ size: 1, flags, client });
      const [node] = cluster.nodes;
      assert.ok(node !== undefined);
      assert.equal((await node.fetch("/readyz")).status, 200);
      await node.logs(/served by one thread in spite of -http-threads: with -http-verify-client/);
    }),
);
