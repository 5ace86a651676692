import assert from "node:assert/strict";
import bcrypt from "bcryptjs";
import { Password } from "../../src/access/password.ts";
import { hashPassword, matchesHash } from "../../src/access/password_hash.ts";

const encoder = new TextEncoder();

async function matches(password: string, hash: string): Promise<boolean> {
  return await matchesHash(encoder.encode(password), hash);
}

/** Argon2id, 64 MiB, two passes, one lane, of "password" and "somesalt": of the reference implementation's own tests. */
const ofArgon2 =
  "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

const { supports } = SubtleCrypto as {
  supports?: (operation: string, algorithm: string) => boolean;
};

Deno.test("matchesHash() compares with Argon2id where Deno can compute it, and elsewhere it is no password", async () => {
  if (supports?.("importKey", "Argon2id") !== true) {
    assert.throws(() => new Password(ofArgon2), /cannot compute: take Deno 2\.9 or newer/);
    return;
  }
  assert.equal(new Password(ofArgon2).hash, ofArgon2);
  assert.equal(await matches("password", ofArgon2), true);
  for (const wrong of ["passwore", "", ofArgon2]) {
    assert.equal(await matches(wrong, ofArgon2), false);
  }
});

Deno.test("Password refuses an Argon2id hash that is not whole, or takes too long to compare", () => {
  for (
    const [part, other] of [
      ["v=19", "v=16"],
      ["m=65536", "m=262145"],
      ["m=65536", "m=7"],
      ["m=65536", "m=0"],
      ["t=2", "t=0"],
      ["t=2", "t=17"],
      ["p=1", "p=0"],
      ["p=1", "p=17"],
      ["p=1", "p=1,keyid=x"],
      ["$c29tZXNhbHQ", "$c29t"],
      ["CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "CTFh"],
    ] as const
  ) {
    assert.throws(
      () => new Password(ofArgon2.replace(part, other)),
      { message: /^that is no whole Argon2id hash of version 19, or one with too high a cost$/ },
      other,
    );
  }
});

Deno.test("matchesHash() compares bytes, also of a password that begins with a byte order mark", async () => {
  const hash = hashPassword(encoder.encode("tr0ub4dor"), new Uint8Array(16));
  assert.equal(await matches("tr0ub4dor", hash), true);
  assert.equal(await matches("\uFEFFtr0ub4dor", hash), false);
  const ofBcrypt = bcrypt.hashSync("tr0ub4dor", 4);
  assert.equal(await matches("tr0ub4dor", ofBcrypt), true);
  assert.equal(await matches("\uFEFFtr0ub4dor", ofBcrypt), false);
});

Deno.test("matchesHash() never takes what is no hash for one", async () => {
  const password = new TextEncoder().encode("$scrypt$x");
  await assert.rejects(matchesHash(password, "$scrypt$x"), /hash of no known form/);
});
