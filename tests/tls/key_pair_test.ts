import assert from "node:assert/strict";
import { withDirectory } from "../directory.ts";
import { readCertificates, readKeyPair } from "../../src/tls/key_pair.ts";
import { Authority } from "./authority.ts";

async function read(certPath: string, keyPath: string) {
  const cert = await Deno.readFile(certPath);
  return readKeyPair({ certPath, keyPath, cert, key: await Deno.readFile(keyPath) });
}

Deno.test("a certificate and its key are read, with name and end", () =>
  withDirectory(async (directory) => {
    const authority = await Authority.create(directory);
    const { certPath, keyPath } = await authority.issue({ name: "node", days: 3 });
    const pair = await read(certPath, keyPath);
    assert.equal(pair.subject, "CN=node");
    assert.ok(pair.notAfter > Date.now() + 2 * 86_400_000);
    assert.ok(pair.notAfter < Date.now() + 4 * 86_400_000);
    assert.match(pair.certificates, /^-----BEGIN CERTIFICATE-----/);
  }));

Deno.test("what does not belong together, or is none, is refused by name", () =>
  withDirectory(async (directory) => {
    const authority = await Authority.create(directory);
    const one = await authority.issue({ name: "one" });
    const other = await authority.issue({ name: "other" });
    await assert.rejects(read(one.certPath, other.keyPath), /does not belong .*one\.pem/);
    await assert.rejects(read(one.keyPath, one.keyPath), /one\.key has no certificate/);
    await assert.rejects(read(one.certPath, one.certPath), /one\.pem has no private key/);
    const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert.throws(
      () => readCertificates(new TextEncoder().encode(broken), "broken.pem"),
      /Certificate 1 of broken\.pem cannot be read/,
    );
  }));
