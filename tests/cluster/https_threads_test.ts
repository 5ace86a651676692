/** HTTPS by several threads of a real node. */
import assert from "node:assert/strict";
import { whyAlone } from "../../src/http/shared_port.ts";
import { withDirectory } from "../directory.ts";
import { Authority } from "../tls/authority.ts";
import { Cluster, eventually } from "./harness.ts";

/** The subject of the certificate that a new connection to a port is shown. */
async function shownBy(port: number): Promise<string> {
  const args = ["s_client", "-connect", `127.0.0.1:${port}`];
  const { stdout } = await new Deno.Command("openssl", { args, stdin: "null", stderr: "null" })
    .output();
  return /^subject=.*$/m.exec(new TextDecoder().decode(stdout))?.[0] ?? "";
}

for (const verifyClient of [false, true]) {
  const which = verifyClient ? ", to clients with certificates" : "";
  Deno.test({
    name:
      `-http-threads: all show a new certificate after SIGHUP, and no request fails meanwhile${which}`,
    ignore: whyAlone({ forCertificates: verifyClient }) !== undefined,
    fn: () => withDirectory((directory) => exchanged(directory, verifyClient)),
  });
}

async function exchanged(directory: string, verifyClient: boolean): Promise<void> {
  const authority = await Authority.create(directory);
  const { certPath, keyPath } = await authority.issue({ name: "node", commonName: "first" });
  const own = await authority.issue({ name: "client" });
  const [ca = "", cert = "", key = ""] = await Promise.all(
    [authority.caPath, own.certPath, own.keyPath].map((path) => Deno.readTextFile(path)),
  );
  const shown = { caCerts: [ca], ...(verifyClient ? { cert, key } : {}) };
  using client = Deno.createHttpClient(shown);
  const flags = [
    ...["-http-threads=3", "-http-cert", certPath, "-http-key", keyPath],
    ...(verifyClient ? ["-http-ca-cert", authority.caPath, "-http-verify-client"] : []),
  ];
  await using cluster = await Cluster.start({ size: 1, flags, client });
  const [node] = cluster.nodes;
  assert.ok(node !== undefined);
  await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES(1)"]);
  const failures: string[] = [];
  let answers = 0;
  let over = false;
  const ask = async (client: Deno.HttpClient) => {
    const response = await fetch(`${node.url}/db/query?level=none&q=SELECT+id+FROM+t`, { client });
    const text = await response.text();
    if (text.includes('"values":[[1]]')) answers++;
    else failures.push(text);
  };
  const askAnew = async () => {
    using client = Deno.createHttpClient({ ...shown, poolMaxIdlePerHost: 0 });
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
}
