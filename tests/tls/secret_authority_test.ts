import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { certificateMs, credentialsOf, secretServerName } from "../../src/tls/secret_authority.ts";
import { readSecrets } from "../../src/tls/shared_secret.ts";
import { testWithNodeTls } from "./where_there_is_tls.ts";

const secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const another = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

testWithNodeTls(
  "nodes with one secret have one authority, and each a certificate and key of its own",
  async () => {
    const now = Date.now();
    const one = await credentialsOf([secret], "1", now);
    const other = await credentialsOf([secret], "2, O=quoted", now);
    assert.deepEqual(one.authorities, other.authorities);
    assert.notEqual(one.key, other.key);
    const authority = new X509Certificate(one.authorities?.[0] ?? "");
    for (const { certificates } of [one, other]) {
      const certificate = new X509Certificate(certificates);
      assert.ok(certificate.verify(authority.publicKey));
      assert.ok(certificate.checkHost(secretServerName));
      assert.equal(certificate.ca, false);
      assert.equal(
        Date.parse(certificate.validTo),
        Math.floor((now + certificateMs) / 1000) * 1000,
      );
    }
    assert.equal(new X509Certificate(other.certificates).subject, "CN=2, O=quoted");
  },
);

testWithNodeTls(
  "the authority of another secret signs for nobody else; a second secret is believed too",
  async () => {
    const one = await credentialsOf([secret], "1", Date.now());
    const both = await credentialsOf([another, secret], "2", Date.now());
    assert.notDeepEqual(one.authorities?.[0], both.authorities?.[0]);
    assert.deepEqual(one.authorities?.[0], both.authorities?.[1]);
    const authority = new X509Certificate(one.authorities?.[0] ?? "");
    assert.equal(new X509Certificate(both.certificates).verify(authority.publicKey), false);
  },
);

Deno.test("a file of secrets has one or two, long and random enough", () => {
  const read = (text: string) => readSecrets(new TextEncoder().encode(text), "secret.txt");
  assert.deepEqual(read(`${secret}\n`), [secret]);
  assert.deepEqual(read(`${secret}\r\n\n${another}`), [secret, another]);
  assert.throws(() => read("\n"), /secret\.txt has no secret; .*openssl rand -hex 32/);
  assert.throws(() => read("correct horse"), /line 1 of secret\.txt has 13 characters/);
  assert.throws(() => read(`${secret}\n${"secret".repeat(9)}`), /line 2 of .* no random text/);
  assert.throws(() => read(`${secret}\n${another}\n${secret}`), /has 3 secrets/);
});
