import { scryptSync, timingSafeEqual } from "node:crypto";
import bcrypt from "bcryptjs";
import { assert } from "../base/assert.ts";
import {
  type Argon2Hash,
  parseArgon2,
  parseScrypt,
  type ScryptHash,
  writeScrypt,
} from "./hash_forms.ts";

/** 2^15 blocks of 1 KiB: 32 MiB and about a tenth of a second for each try (OWASP's table). */
const cost = { ln: 15, r: 8, p: 3 };
const keyBytes = 32;

/** A hash of a password for the file of users, with a salt of its own. Takes some tenths of a second. */
export function hashPassword(password: Uint8Array, salt: Uint8Array<ArrayBuffer>): string {
  return writeScrypt({ ...cost, salt, key: scrypt(password, { ...cost, salt }, keyBytes) });
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Whether `hash`, which a `Password` has accepted, is one of this password: slow on purpose. */
export async function matchesHash(
  password: Uint8Array<ArrayBuffer>,
  hash: string,
): Promise<boolean> {
  if (hash.startsWith("$2")) return bcrypt.compareSync(decoder.decode(password), hash);
  const ofArgon2 = parseArgon2(hash);
  if (ofArgon2 !== undefined) {
    return timingSafeEqual(await argon2(password, ofArgon2), ofArgon2.key);
  }
  const ofScrypt = parseScrypt(hash);
  assert(ofScrypt !== undefined, "A password was compared with a hash of no known form");
  return timingSafeEqual(scrypt(password, ofScrypt, ofScrypt.key.length), ofScrypt.key);
}

function scrypt(
  password: Uint8Array,
  { ln, r, p, salt }: Omit<ScryptHash, "key">,
  length: number,
): Uint8Array<ArrayBuffer> {
  const N = 2 ** ln;
  const maxmem = 2 * 128 * r * (N + p);
  return new Uint8Array(scryptSync(password, salt, length, { N, r, p, maxmem }));
}

/** By WebCrypto, whose form for raw secrets and parameters of Argon2 Deno's types do not know yet. */
async function argon2(
  password: Uint8Array<ArrayBuffer>,
  { memoryKiB, passes, lanes, salt, key }: Argon2Hash,
): Promise<Uint8Array<ArrayBuffer>> {
  const rawSecret = "raw-secret" as "raw";
  const secret = await crypto.subtle.importKey(rawSecret, password, "Argon2id", false, [
    "deriveBits",
  ]);
  const parameters = {
    name: "Argon2id",
    nonce: salt,
    memory: memoryKiB,
    passes,
    parallelism: lanes,
    version: 19,
  };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, secret, key.length * 8));
}
