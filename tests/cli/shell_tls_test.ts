import assert from "node:assert/strict";
import { runShell } from "./shell_program.ts";

/** Whether this machine can make certificates. */
function hasOpenssl(): boolean {
  try {
    return new Deno.Command("openssl", { args: ["version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

async function openssl(folder: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, cwd: folder }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** An authority, ca.pem, and a certificate that it signed for 127.0.0.1: cert.pem and key.pem. */
async function makeCertificates(folder: string): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl(
    folder,
    ...["req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority"],
  );
  await openssl(
    folder,
    ...["req", ...key, "-keyout", "key.pem", "-out", "request", "-subj", "/CN=node"],
  );
  await Deno.writeTextFile(
    `${folder}/extensions`,
    "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
  );
  await openssl(
    folder,
    ...["x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
    ...["-out", "cert.pem", "-days", "2", "-extfile", "extensions"],
  );
}

Deno.test({
  name: "shell over https trusts -ca-cert, and with -insecure anyone",
  ignore: !hasOpenssl(),
}, async () => {
  const folder = await Deno.makeTempDir({ prefix: "raftlite-shell-" });
  try {
    await makeCertificates(folder);
    const [cert, key] = await Promise.all(
      ["cert.pem", "key.pem"].map((name) => Deno.readTextFile(`${folder}/${name}`)),
    );
    assert.ok(cert !== undefined && key !== undefined);
    const options = { hostname: "127.0.0.1", port: 0, onListen() {}, cert, key };
    await using server = Deno.serve(
      options,
      () => Response.json({ results: [{ columns: ["a"], types: [""], values: [["safe"]] }] }),
    );
    const flags = ["-s", "https", "-p", String(server.addr.port), "-mode", "csv"];
    const trusted = await runShell([...flags, "-ca-cert", `${folder}/ca.pem`], "SELECT 1");
    assert.deepEqual(trusted, { code: 0, stdout: "a\nsafe\n", stderr: "" });
    const insecure = await runShell([...flags, "-insecure"], "SELECT 1");
    // A compiled program may hold a Deno older than this one.
    const mayBeOld = Deno.env.has("RAFTLITE_BINARY") || Deno.version.deno.startsWith("2.4.");
    if (mayBeOld && insecure.code === 1) assert.match(insecure.stderr, /cannot do -insecure/);
    else assert.deepEqual(insecure, { code: 0, stdout: "a\nsafe\n", stderr: "" });
    const unknown = await runShell(flags, "SELECT 1");
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /certificate|connection error/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
